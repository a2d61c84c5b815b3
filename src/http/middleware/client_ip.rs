//! Where a request comes from: the address that is connected, or the one that a trusted proxy reports.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;

use crate::http::AppState;

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a network: write `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.trim().parse().map_err(|_invalid| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.trim().parse().map_err(|_invalid| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            width
                .checked_sub(self.bits)
                .is_some_and(|rest| a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0))
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}

/// The address that a request comes from.
pub(in crate::http) fn of(request: &HttpRequest, state: &AppState) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    origin(peer, request.headers(), &state.proxies)
}

/// The address behind proxies. Nothing counts that an untrusted address sent. Where there are both headers they have to
/// agree: proxies write one of them and let the other through as the caller wrote it, and nothing tells which.
fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return peer;
    }
    let said = |name, read: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(name).then(|| outermost(peer, texts(headers, name).map(read).collect(), is_trusted))
    };
    match (said("forwarded", forwarded_for), said("x-forwarded-for", address)) {
        (Some(forwarded), Some(x_forwarded)) if forwarded != x_forwarded => peer,
        (forwarded, x_forwarded) => forwarded.or(x_forwarded).unwrap_or(peer),
    }
}

/// The last address that is not a trusted proxy's: the caller may have written anything before it.
fn outermost(peer: IpAddr, hops: Vec<Option<IpAddr>>, is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let Some(hop) = hop else { break };
        nearest = hop;
        if !is_trusted(hop) {
            break;
        }
    }
    nearest
}

/// The elements of a header that is a list, however many lines it has.
fn texts<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim)
}

/// The address in an element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    address(value.trim_matches('"'))
}

/// An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Who shares limits with an address: it alone, or its /64, which is what one subscriber of IPv6 has.
pub(in crate::http) fn rate_limit_key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: &str, name: &'static str, lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(line).unwrap());
        }
        origin(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn what_an_untrusted_address_says_does_not_count() {
        assert_eq!(seen("203.0.113.9", "x-forwarded-for", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(seen("11.0.0.1", "forwarded", &["for=192.0.2.1"]), "11.0.0.1");
    }

    #[test]
    fn behind_trusted_proxies_the_last_address_that_is_none_counts() {
        for (peer, name, lines, expected) in [
            ("10.0.0.1", "x-forwarded-for", &["192.0.2.1"][..], "192.0.2.1"),
            ("::ffff:10.0.0.1", "x-forwarded-for", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", "x-forwarded-for", &["198.51.100.1, 192.0.2.1, 10.9.9.9"], "192.0.2.1"),
            ("10.0.0.1", "x-forwarded-for", &["198.51.100.1", "192.0.2.1:4711"], "192.0.2.1"),
            ("fd00::1", "x-forwarded-for", &["[2001:db8::7]:80"], "2001:db8::7"),
            ("10.0.0.1", "forwarded", &["for=198.51.100.1, for=\"[2001:db8::7]:80\";proto=https"], "2001:db8::7"),
            ("10.0.0.1", "forwarded", &["for=192.0.2.1", "For=10.1.1.1"], "192.0.2.1"),
            ("10.0.0.1", "forwarded", &["for=192.0.2.1, for=_hidden"], "10.0.0.1"),
            ("10.0.0.1", "x-forwarded-for", &["192.0.2.1, nonsense"], "10.0.0.1"),
            ("10.0.0.1", "x-forwarded-for", &[], "10.0.0.1"),
            ("10.0.0.1", "x-forwarded-for", &["10.0.0.2"], "10.0.0.2"),
        ] {
            assert_eq!(seen(peer, name, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn where_both_headers_are_said_they_have_to_agree() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let seen = |forwarded: &'static str, x_forwarded: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(HeaderName::from_static("forwarded"), HeaderValue::from_static(forwarded));
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(x_forwarded));
            origin("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(seen("for=192.0.2.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(seen("for=198.51.100.1", "192.0.2.1"), "10.0.0.1");
        assert_eq!(seen("for=198.51.100.1", "198.51.100.1, 192.0.2.1"), "10.0.0.1");
    }

    #[test]
    fn networks_are_read_and_contain_what_they_say() {
        let network = |text: &str| text.parse::<Network>();
        let contains = |text: &str, address: &str| network(text).unwrap().contains(address.parse().unwrap());
        assert!(contains("0.0.0.0/0", "203.0.113.9") && contains("::/0", "2001:db8::1"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("192.0.2.0/25", "192.0.2.127") && !contains("192.0.2.0/25", "192.0.2.128"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "proxy", "::1/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_neighbour() {
        let of = |text: &str| rate_limit_key(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
