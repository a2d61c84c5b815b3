//! The client address: the peer's, or the one that a trusted proxy reports; and the limits that apply to it.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use ipnet::IpNet;

use crate::http::limits::KeyedLimiter;
use crate::http::response::{ResponseFormat, error_response};

/// Addresses that load balancers and orchestrators request often; their work is negligible, so no limit applies.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Whether a request is a health check.
pub(super) fn is_probe(request: &ServiceRequest) -> bool {
    PROBES.contains(&request.path())
}

/// Parses a network: `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`.
///
/// # Errors
///
/// Returns a sentence for the operator if the string is not a network.
pub fn parse_network(string: &str) -> Result<IpNet, String> {
    let trimmed = string.trim();
    let network = trimmed.parse().ok().or_else(|| trimmed.parse().ok().map(|address: IpAddr| IpNet::from(address)));
    network.ok_or_else(|| format!("`{string}` is not a network: write `10.0.0.7`, `10.0.0.0/8` or `fd00::/8`"))
}

/// The proxies that may report the address of a client, in `Forwarded` or `X-Forwarded-For`.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Trusts the proxies in these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    pub(in crate::http) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client address. Headers from an untrusted peer are ignored. If both headers are present they must agree:
    /// a proxy writes one of them and passes the other as the client sent it, and nothing indicates which.
    fn client_ip(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let reported = |name, parse: fn(&str) -> Option<IpAddr>| {
            headers.contains_key(name).then(|| self.outermost(peer, elements(headers, name).map(parse).collect()))
        };
        match (reported("forwarded", forwarded_for), reported("x-forwarded-for", address)) {
            (Some(forwarded), Some(x_forwarded)) if forwarded != x_forwarded => peer,
            (forwarded, x_forwarded) => forwarded.or(x_forwarded).unwrap_or(peer),
        }
    }

    /// The last address that is not a trusted proxy's: the client may have written anything before it.
    fn outermost(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut nearest = peer;
        for hop in hops.into_iter().rev() {
            let Some(hop) = hop else { break };
            nearest = hop;
            if !self.contains(hop) {
                break;
            }
        }
        nearest
    }
}

/// The address of the client that sent a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct ClientIp(IpAddr);

impl ClientIp {
    /// The address of a request's client. The middleware has set it before a handler runs.
    pub(in crate::http) fn of(request: &HttpRequest) -> IpAddr {
        request.extensions().get::<Self>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |found| found.0)
    }
}

/// Determines the client address, and applies the limits of addresses.
pub(super) async fn limit_addresses<B: MessageBody + 'static>(
    proxies: Data<TrustedProxies>,
    addresses: Data<KeyedLimiter<IpAddr>>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if is_probe(&request) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let client_ip = proxies.client_ip(peer, request.headers());
    request.extensions_mut().insert(ClientIp(client_ip));
    let _permit = match addresses.admit(&rate_limit_key(client_ip)) {
        Ok(permit) => permit,
        Err(limit) => {
            let format = ResponseFormat::accepted(request.request()).unwrap_or(ResponseFormat::Json);
            let refused = error_response(request.request(), format, limit);
            return Ok(request.into_response(refused).map_into_right_body());
        }
    };
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// The key of an address's limits: an IPv4 address, or the /64 prefix of an IPv6 address, which one subscriber has.
pub(in crate::http) fn rate_limit_key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

/// The elements of a header that is a list, in all its lines.
fn elements<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
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

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn trusted(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(networks.iter().map(|network| parse_network(network).unwrap()).collect())
    }

    fn client_ip(peer: &str, name: &'static str, lines: &[&str]) -> String {
        let trusted = trusted(&["10.0.0.0/8", "fd00::/8"]);
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(line).unwrap());
        }
        trusted.client_ip(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn headers_of_an_untrusted_peer_are_ignored() {
        assert_eq!(client_ip("203.0.113.9", "x-forwarded-for", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(client_ip("11.0.0.1", "forwarded", &["for=192.0.2.1"]), "11.0.0.1");
    }

    #[test]
    fn last_untrusted_address_behind_trusted_proxies_is_the_client() {
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
            assert_eq!(client_ip(peer, name, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn both_headers_must_agree() {
        let trusted = trusted(&["10.0.0.0/8"]);
        let client_ip = |forwarded: &'static str, x_forwarded: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(HeaderName::from_static("forwarded"), HeaderValue::from_static(forwarded));
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(x_forwarded));
            trusted.client_ip("10.0.0.1".parse().unwrap(), &headers).to_string()
        };
        assert_eq!(client_ip("for=192.0.2.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(client_ip("for=198.51.100.1", "192.0.2.1"), "10.0.0.1");
        assert_eq!(client_ip("for=198.51.100.1", "198.51.100.1, 192.0.2.1"), "10.0.0.1");
    }

    #[test]
    fn networks_are_parsed_and_contain_their_addresses() {
        let contains = |network: &str, address: &str| trusted(&[network]).contains(address.parse().unwrap());
        assert!(contains("0.0.0.0/0", "203.0.113.9") && contains("::/0", "2001:db8::1"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("192.0.2.0/25", "192.0.2.127") && !contains("192.0.2.0/25", "192.0.2.128"));
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "proxy", "::1/129", "10.0.0.0/-1", "10.0.0.0/"] {
            assert!(parse_network(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rate_limit_key_of_ipv6_is_the_64_bit_prefix() {
        let of = |address: &str| rate_limit_key(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
