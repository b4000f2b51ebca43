//! Just enough of HTTP/1.1: requests as bytes, and answers with a length.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of a head are found within this much; no answer here has a longer one.
const ROOM: usize = 64 * 1024;

/// What came back, as far as it matters.
pub struct Answer {
    pub status: u16,
    pub tag: Option<String>,
}

/// One connection to the service, opened when it is needed.
pub struct Client {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
            buffer: Vec::with_capacity(8 * 1024),
        }
    }

    /// Sends the request and reads the answer. A connection that was closed meanwhile, as servers close
    /// idle ones, is opened anew once.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let was_open = self.stream.is_some();
        match self.try_send(request).await {
            Err(_) if was_open => self.try_send(request).await,
            result => result,
        }
    }

    async fn try_send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.address).await?,
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let end = read_head(&mut stream, &mut self.buffer).await?;
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let status = status(&head)?;
        let length = match status {
            204 | 304 => 0,
            _ => header(&head, "content-length")
                .and_then(|value| value.parse().ok())
                .unwrap_or(0),
        };
        while self.buffer.len() < end + length {
            read_more(&mut stream, &mut self.buffer).await?;
        }
        let closes =
            header(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !closes {
            self.stream = Some(stream);
        }
        Ok(Answer {
            status,
            tag: header(&head, "etag").map(str::to_owned),
        })
    }
}

/// Opens a connection.
pub async fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads until the head is complete, and tells where it ends.
pub async fn read_head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        read_more(stream, buffer).await?;
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(end + 4);
        }
        if buffer.len() > ROOM {
            return Err(io::Error::other("the head has no end"));
        }
    }
}

/// Reads what there is.
pub async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// The status in a head.
pub fn status(head: &str) -> io::Result<u16> {
    head.split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| io::Error::other("no status line"))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A request that reads.
pub fn get(path: &str, key: &str, tag: Option<&str>) -> Vec<u8> {
    let condition = tag
        .map(|tag| format!("If-None-Match: {tag}\r\n"))
        .unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n{condition}\r\n")
        .into()
}

/// A request that writes, under an idempotency key of its own.
pub fn post(path: &str, key: &str, once: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\
         Idempotency-Key: {once}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}
