//! A client that sends exactly what it is told to, and reads one answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The value of a header; several lines are joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The `code` of a problem; checks that it is a complete one.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type").as_deref(),
            Some("application/problem+json; charset=utf-8"),
            "{self:?}"
        );
        let problem = self.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["status"], self.status, "{problem}");
        assert_eq!(
            problem["request_id"].as_str(),
            self.header("x-request-id").as_deref()
        );
        assert_eq!(
            problem["instance"],
            format!("urn:request:{}", self.header("x-request-id").unwrap())
        );
        let slug = code.to_lowercase().replace('_', "-");
        assert_eq!(problem["type"], format!("/docs/errors/{slug}"));
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
        assert!(problem["retryable"].is_boolean(), "{problem}");
        code
    }
}

/// A connection that can be used for several requests, or misused.
pub struct Connection(pub TcpStream);

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self(stream)
    }

    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads one answer to a request that wasn't HEAD.
    pub fn answer(&mut self) -> Answer {
        self.read_answer(true)
    }

    /// Reads the head of an answer to HEAD.
    pub fn answer_without_body(&mut self) -> Answer {
        self.read_answer(false)
    }

    /// Everything until the server closes the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => rest,
            Err(error) => panic!("the connection was not closed: {error}"),
        }
    }

    /// Goes away at once: the server gets a reset instead of an orderly end.
    pub fn reset(self) {
        let socket = tokio::net::TcpSocket::from_std_stream(self.0);
        socket.set_zero_linger().unwrap();
    }

    fn read_answer(&mut self, body: bool) -> Answer {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap_or_else(|error| {
                panic!(
                    "no answer: {error}; so far {:?}",
                    String::from_utf8_lossy(&head)
                )
            });
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .take_while(|line| !line.is_empty())
            .map(|line| {
                line.split_once(": ")
                    .unwrap_or((line.trim_end_matches(':'), ""))
            })
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        if body && status != 304 && status != 204 {
            let mut bytes = vec![0; length];
            self.0.read_exact(&mut bytes).unwrap();
            answer.body = String::from_utf8(bytes).unwrap();
        }
        answer
    }
}

/// Sends a request on a connection of its own.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Answer {
    let body = body.as_ref();
    let mut connection = Connection::open(address);
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PATCH" | "PUT") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    connection.write([head.as_bytes(), body].concat());
    if method == "HEAD" {
        connection.answer_without_body()
    } else {
        connection.answer()
    }
}
