//! A reader of server-sent events, as strict as the standard asks for.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::app::Client;
use super::client::{Answer, Connection};

/// No test reads one stream for longer.
const PATIENCE: Duration = Duration::from_secs(40);

/// One block of a stream.
#[derive(Debug, Default, PartialEq)]
pub struct Block {
    pub comment: Option<String>,
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<String>,
    pub retry: Option<String>,
}

impl Block {
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_ref().unwrap()).unwrap()
    }
}

pub struct EventStream {
    pub answer: Answer,
    opened: Instant,
    body: BufReader<Chunks>,
}

impl EventStream {
    /// Opens a stream, which has to be one.
    pub fn open(client: &Client, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = Self::ask(client, path, headers).unwrap_or_else(|answer| panic!("{answer:?}"));
        let kind = stream.answer.header("content-type");
        assert_eq!(kind.as_deref(), Some("text/event-stream"));
        stream
    }

    /// Opens a stream, or gives the answer that refuses it.
    pub fn ask(client: &Client, path: &str, headers: &[(&str, &str)]) -> Result<Self, Answer> {
        let mut connection = Connection::open(client.address);
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n",
            client.token
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        connection.write(head + "\r\n");
        let answer = connection.answer();
        if answer.status != 200 {
            return Err(answer);
        }
        let chunks = Chunks {
            socket: BufReader::new(connection.0),
            left: 0,
            ended: false,
        };
        Ok(Self {
            answer,
            opened: Instant::now(),
            body: BufReader::new(chunks),
        })
    }

    /// The next block, whatever it has; `None` where the server ended the stream as it should.
    pub fn block(&mut self) -> Option<Block> {
        assert!(self.opened.elapsed() < PATIENCE, "no end of it");
        let mut block = Block::default();
        loop {
            let mut line = String::new();
            if self.body.read_line(&mut line).unwrap() == 0 {
                assert_eq!(block, Block::default(), "the stream ends inside a block");
                return None;
            }
            let line = line.strip_suffix('\n').expect("a whole line");
            if line.is_empty() {
                return Some(block);
            }
            let (field, value) = line.split_once(": ").unwrap();
            let place = match field {
                "" => &mut block.comment,
                "id" => &mut block.id,
                "event" => &mut block.event,
                "data" => &mut block.data,
                "retry" => &mut block.retry,
                other => panic!("{other}"),
            };
            assert_eq!(place.replace(value.to_owned()), None, "{field} twice");
        }
    }

    /// The next block that is an event.
    pub fn event(&mut self) -> Option<Block> {
        loop {
            let block = self.block()?;
            if block.data.is_some() {
                return Some(block);
            }
        }
    }

    /// Everything until the connection is closed, however that is done: whole events only.
    pub fn until_cut_off(mut self) -> Vec<Block> {
        let mut text = Vec::new();
        let mut part = [0; 65_536];
        while let Ok(length @ 1..) = self.body.read(&mut part) {
            text.extend_from_slice(&part[..length]);
        }
        let text = String::from_utf8_lossy(&text);
        text.split_inclusive("\n\n")
            .filter(|block| block.ends_with("\n\n"))
            .filter_map(|block| {
                let field = |name: &str| {
                    let line = block.lines().find(|line| line.starts_with(name))?;
                    Some(line[name.len()..].to_owned())
                };
                Some(Block {
                    id: field("id: "),
                    data: Some(field("data: ")?),
                    ..Block::default()
                })
            })
            .collect()
    }
}

/// Takes a body out of its chunks.
struct Chunks {
    socket: BufReader<TcpStream>,
    left: usize,
    ended: bool,
}

impl Chunks {
    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.socket.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if self.left == 0 {
            let length = self.line()?;
            self.left = usize::from_str_radix(&length, 16).map_err(std::io::Error::other)?;
            if self.left == 0 {
                self.line()?;
                self.ended = true;
                return Ok(0);
            }
        }
        let wanted = buffer.len().min(self.left);
        let read = self.socket.read(&mut buffer[..wanted])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        if self.left == 0 {
            self.line()?;
        }
        Ok(read)
    }
}
