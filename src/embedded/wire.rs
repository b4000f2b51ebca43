//! As much of the Postgres protocol as it takes to ask whether the server is ready, and to have
//! it run one statement. It spares us from needing `psql` and `pg_isready`, which belong to
//! another package, and from an async runtime.

use super::cluster::NAME;
use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// What the server answers to somebody who connects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Come in.
    Ready,
    /// Not yet: it starts or recovers.
    Starting,
    /// There is no such database.
    NoSuchDatabase,
    /// Something that waiting won't change.
    Refused(String),
}

/// Connects to `database`, just to see.
pub(super) fn knock(socket_folder: &Path, database: &str) -> io::Result<Answer> {
    let mut stream = connect(socket_folder, database)?;
    Ok(match read_to_end_of_turn(&mut stream)? {
        None => {
            farewell(&mut stream);
            Answer::Ready
        }
        // cannot_connect_now and too_many_connections; both pass.
        Some(refusal) if ["57P03", "53300"].contains(&&*refusal.code) => Answer::Starting,
        Some(refusal) if refusal.code == "3D000" => Answer::NoSuchDatabase,
        Some(refusal) => Answer::Refused(refusal.message),
    })
}

/// Runs one statement in `database`.
pub(super) fn execute(socket_folder: &Path, database: &str, statement: &str) -> io::Result<()> {
    let refused = |refusal: Refusal| io::Error::other(refusal.message);
    let mut stream = connect(socket_folder, database)?;
    read_to_end_of_turn(&mut stream)?.map_or(Ok(()), |refusal| Err(refused(refusal)))?;
    send(
        &mut stream,
        Some(b'Q'),
        &[statement.as_bytes(), b"\0"].concat(),
    )?;
    read_to_end_of_turn(&mut stream)?.map_or(Ok(()), |refusal| Err(refused(refusal)))?;
    farewell(&mut stream);
    Ok(())
}

struct Refusal {
    code: String,
    message: String,
}

fn connect(socket_folder: &Path, database: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket_folder.join(".s.PGSQL.5432"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let version = 196_608_u32.to_be_bytes(); // 3.0
    let names = format!("user\0{NAME}\0database\0{database}\0\0");
    send(
        &mut stream,
        None,
        &[&version[..], names.as_bytes()].concat(),
    )?;
    Ok(stream)
}

fn send(stream: &mut UnixStream, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
    let mut message: Vec<u8> = kind.into_iter().collect();
    message.extend(length.to_be_bytes());
    message.extend(body);
    stream.write_all(&message)
}

fn farewell(stream: &mut UnixStream) {
    // Without it the log notes a client that vanished; nothing else depends on it.
    let _unheard = send(stream, Some(b'X'), &[]);
}

/// Reads until the server waits for us, or until it refuses. After a refused statement it says
/// that it waits again, which nobody needs to hear: the connection is closed then.
fn read_to_end_of_turn(stream: &mut impl Read) -> io::Result<Option<Refusal>> {
    loop {
        let mut kind = [0];
        let mut length = [0; 4];
        stream.read_exact(&mut kind)?;
        stream.read_exact(&mut length)?;
        let length = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
        let mut body = Vec::new();
        stream.by_ref().take(length).read_to_end(&mut body)?;
        match kind {
            [b'Z'] => return Ok(None),
            [b'E'] => return Ok(Some(refusal(&body))),
            [b'R'] if body != [0; 4] => {
                return Err(io::Error::other("the private Postgres asks for a password"));
            }
            _ => {}
        }
    }
}

/// An error has fields, each a letter and a text.
fn refusal(body: &[u8]) -> Refusal {
    let field = |letter: u8| {
        let found = body
            .split(|&byte| byte == 0)
            .find(|field| field.first() == Some(&letter));
        String::from_utf8_lossy(found.and_then(|field| field.get(1..)).unwrap_or_default())
            .into_owned()
    };
    Refusal {
        code: field(b'C'),
        message: field(b'M'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_with_its_code() {
        let fields = b"SFATAL\0C3D000\0Mdatabase \"x\" does not exist\0\0";
        let mut bytes = b"E".to_vec();
        bytes.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
        bytes.extend(fields);
        let refusal = read_to_end_of_turn(&mut &bytes[..]).unwrap().unwrap();
        assert_eq!(refusal.code, "3D000");
        assert_eq!(refusal.message, "database \"x\" does not exist");
    }

    #[test]
    fn the_turn_ends_when_the_server_waits() {
        let bytes = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x08a\0b\0Z\0\0\0\x05I";
        assert!(read_to_end_of_turn(&mut &bytes[..]).unwrap().is_none());
        let password_wanted = b"R\0\0\0\x08\0\0\0\x03";
        assert!(read_to_end_of_turn(&mut &password_wanted[..]).is_err());
    }
}
