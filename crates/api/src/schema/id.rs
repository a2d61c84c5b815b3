//! Global ids of objects that are not events: a kind and the object's own key, so that an id is the same in every
//! request and every copy of the log.

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::schema::activity::ActivityTypeKey;
use model::EventId;

/// The object that a global id names. All strings are folded, except those of a tenant and a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ObjectId {
    Event(EventId),
    ActivityType(ActivityTypeKey),
    Service(String),
    Category(String),
    Tenant(String),
    Viewer { tenant: String, issuer: Option<String>, subject: String },
}

/// The first byte of an id, for all but events, whose ids begin with 1.
const ACTIVITY_TYPE: u8 = 2;
const SERVICE: u8 = 3;
const CATEGORY: u8 = 4;
const TENANT: u8 = 5;
const VIEWER: u8 = 6;

impl ObjectId {
    /// Encodes the id for the API.
    pub(crate) fn to_global(&self) -> ID {
        let (kind, parts): (u8, Vec<&String>) = match self {
            Self::Event(id) => return ID(id.to_global()),
            Self::ActivityType(key) => (ACTIVITY_TYPE, key.iter().collect()),
            Self::Service(key) => (SERVICE, vec![key]),
            Self::Category(key) => (CATEGORY, vec![key]),
            Self::Tenant(key) => (TENANT, vec![key]),
            Self::Viewer { tenant, issuer: None, subject } => (VIEWER, vec![tenant, subject]),
            Self::Viewer { tenant, issuer: Some(issuer), subject } => (VIEWER, vec![tenant, issuer, subject]),
        };
        let mut bytes = vec![kind];
        for part in parts {
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        ID(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Parses a global id. Returns `None` if this service did not return it.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        if let Ok(event) = EventId::parse(id) {
            return Some(Self::Event(event));
        }
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (kind, mut rest) = bytes.split_first()?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (part, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            parts.push(String::from_utf8(part.to_vec()).ok()?);
            rest = after;
        }
        Some(match (*kind, <[String; 3]>::try_from(parts)) {
            (ACTIVITY_TYPE, Ok(key)) => Self::ActivityType(key),
            (VIEWER, Ok([tenant, issuer, subject])) => Self::Viewer { tenant, issuer: Some(issuer), subject },
            (kind, Err(parts)) => match (kind, <[String; 1]>::try_from(parts)) {
                (SERVICE, Ok([key])) => Self::Service(key),
                (CATEGORY, Ok([key])) => Self::Category(key),
                (TENANT, Ok([key])) => Self::Tenant(key),
                (VIEWER, Err(parts)) => {
                    let [tenant, subject] = <[String; 2]>::try_from(parts).ok()?;
                    Self::Viewer { tenant, issuer: None, subject }
                }
                _ => return None,
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_round_trip() {
        let string = |string: &str| string.to_owned();
        for id in [
            ObjectId::Event(EventId([7; 16])),
            ObjectId::ActivityType([string("core directory"), string(""), string("a\0b")]),
            ObjectId::Service(string("ä")),
            ObjectId::Category(string("groupmanagement")),
            ObjectId::Tenant(string("contoso")),
            ObjectId::Viewer { tenant: string("contoso"), issuer: None, subject: string("ada") },
            ObjectId::Viewer { tenant: string("contoso"), issuer: Some(String::new()), subject: string("ada") },
            ObjectId::Viewer { tenant: string("contoso"), issuer: Some(string("https://i")), subject: string("ada") },
        ] {
            assert_eq!(ObjectId::parse(&id.to_global()), Some(id));
        }
    }

    #[test]
    fn other_strings_are_no_ids() {
        for string in ["", "A", "AgAAAAE", "AwAAAAFhAAAAAWI", "BwAAAAFh", "Av____8", "_w", "not base64!"] {
            assert_eq!(ObjectId::parse(string), None, "{string}");
        }
    }
}
