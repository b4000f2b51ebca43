//! Whose request it is, where proxies stand between: the client's address.
//!
//! Anybody can write a header, so `X-Forwarded-For` counts only as far as proxies of our own wrote it. Each
//! adds the address it was called from at the end, so the list is read from there.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Http;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses that share their first bits: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    first: IpAddr,
    bits: u32,
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrefix {
    /// It is written otherwise.
    #[error("write an address or a prefix, such as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32")]
    Form,
    /// It has bits that the prefix leaves out: one of the two is a slip.
    #[error("the address has bits beyond its prefix")]
    Beyond,
    /// It has every address in it.
    #[error("it would trust everybody")]
    Everybody,
}

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().ok().ok_or(BadPrefix::Form)?;
        let most = width(first);
        let bits = match bits {
            None => most,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or(BadPrefix::Form)?,
            Some(_) => return Err(BadPrefix::Form),
        };
        if bits == 0 {
            return Err(BadPrefix::Everybody);
        }
        if head(first, bits) != number(first) {
            return Err(BadPrefix::Beyond);
        }
        Ok(Self { first, bits })
    }
}

impl Prefix {
    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && head(address, self.bits) == number(self.first)
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address with all but its first bits cleared.
fn head(address: IpAddr, bits: u32) -> u128 {
    let rest = width(address).saturating_sub(bits);
    let number = number(address);
    number
        .checked_shr(rest)
        .and_then(|head| head.checked_shl(rest))
        .unwrap_or_default()
}

/// The proxies whose word on the client's address is taken.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Prefix>);

impl From<Vec<Prefix>> for TrustedProxies {
    fn from(prefixes: Vec<Prefix>) -> Self {
        Self(prefixes)
    }
}

impl TrustedProxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|prefix| prefix.contains(address))
    }

    /// The last address that is not of a trusted proxy. Where the list can't be read, or every address of
    /// it is trusted, the last that could be read: it was written or called by a trusted proxy.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).collect();
        let lines = lines.into_iter().rev().map(HeaderValue::as_bytes);
        for item in lines.flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            let Some(address) = forwarded(item) else {
                return client;
            };
            client = address;
            if !self.trust(client) {
                return client;
            }
        }
        client
    }
}

/// An address as proxies write it, some with the port.
fn forwarded(item: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(item).ok()?.trim_matches([' ', '\t']);
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse().ok().filter(IpAddr::is_ipv6),
        None => text.parse().ok().or_else(|| {
            let with_port: Option<SocketAddr> = text.parse().ok();
            with_port.map(|address| address.ip())
        }),
    };
    address.map(|address| address.to_canonical())
}

/// The address a request comes from, as far as it is known for sure.
pub(super) fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    Some(match Http::of(request) {
        Ok(http) => http.proxies.client(peer, request.headers()),
        Err(_) => peer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&[u8]]) -> String {
        let prefixes = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.9"];
        let prefixes: Vec<Prefix> = prefixes.map(|text| text.parse().unwrap()).to_vec();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        let proxies = TrustedProxies::from(prefixes);
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_stranger_says_nothing_about_where_it_is() {
        for peer in ["203.0.113.7", "192.0.2.8", "2001:db8:2::1", "11.0.0.1"] {
            assert_eq!(client(peer, &[b"198.51.100.1"]), peer);
        }
        let nobody = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(peer, &headers), peer);
    }

    #[test]
    fn the_last_address_that_is_not_a_trusted_proxys_counts_whatever_stands_before_it() {
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&[&b"203.0.113.7"[..]], "203.0.113.7"),
            // Written by the client itself, to look like somebody else or like a proxy.
            (&[b"198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            (&[b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
            (&[b"10.9.9.9, 203.0.113.7"], "203.0.113.7"),
            (&[b"nonsense, 203.0.113.7"], "203.0.113.7"),
            (&[b"\xff\xfe", b"203.0.113.7"], "203.0.113.7"),
            // Through several proxies.
            (&[b"203.0.113.7, 192.0.2.9,10.1.2.3"], "203.0.113.7"),
            (
                &[b"203.0.113.7", b"2001:db8:1::7 ,\t10.1.2.3"],
                "203.0.113.7",
            ),
            // From one of them.
            (&[b"10.4.4.4, 10.1.2.3"], "10.4.4.4"),
            (&[b"2001:db8::1"], "2001:db8::1"),
            (&[b"::ffff:203.0.113.7"], "203.0.113.7"),
            (&[b"203.0.113.7:4711"], "203.0.113.7"),
            (&[b"[2001:db8::1]:4711"], "2001:db8::1"),
            (&[b"[2001:db8::1]"], "2001:db8::1"),
        ] {
            assert_eq!(client("10.0.0.1", lines), expected, "{lines:?}");
        }
        assert_eq!(client("::ffff:10.0.0.1", &[b"203.0.113.7"]), "203.0.113.7");
        assert_eq!(client("2001:db8:1::2", &[b"203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn what_cannot_be_read_ends_the_list() {
        for bad in [
            &b""[..],
            b"unknown",
            b"_hidden",
            b"203.0.113.07",
            b"203.0.113.7:",
            b"203.0.113.7:99999",
            b"[203.0.113.7]",
            b"2001:db8::1%eth0",
            b"0x7f.1",
            b"3405803783",
            b"for=203.0.113.7",
            b"\"203.0.113.7\"",
            b"203.0.113.7;203.0.113.8",
            b"\xff",
        ] {
            assert_eq!(client("10.0.0.1", &[bad]), "10.0.0.1", "{bad:?}");
            let behind = [b"198.51.100.1, ", bad, b", 10.7.7.7"].concat();
            assert_eq!(client("10.0.0.1", &[&behind]), "10.7.7.7", "{bad:?}");
        }
    }

    #[test]
    fn prefixes_are_read_strictly() {
        for (text, error) in [
            ("", BadPrefix::Form),
            ("proxy.example.com", BadPrefix::Form),
            ("10.0.0.0/", BadPrefix::Form),
            ("10.0.0.0/33", BadPrefix::Form),
            ("10.0.0.0/+8", BadPrefix::Form),
            ("10.0.0.0/8/8", BadPrefix::Form),
            ("10.0.0/8", BadPrefix::Form),
            (" 10.0.0.1", BadPrefix::Form),
            ("2001:db8::/129", BadPrefix::Form),
            ("10.0.0.1/8", BadPrefix::Beyond),
            ("2001:db8::1/64", BadPrefix::Beyond),
            ("0.0.0.0/0", BadPrefix::Everybody),
            ("::/0", BadPrefix::Everybody),
        ] {
            assert_eq!(text.parse::<Prefix>(), Err(error), "{text}");
        }
        for text in ["10.0.0.1", "10.0.0.1/32", "128.0.0.0/1", "::1", "fe80::/10"] {
            assert!(text.parse::<Prefix>().is_ok(), "{text}");
        }
    }
}
