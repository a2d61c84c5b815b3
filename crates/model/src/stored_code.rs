//! The numbers by which the database stores the values of enums.
//!
//! A number is permanent: a new value gets a new number, and the number of a removed value is never used again. Zero is
//! not a number of any value, so that a column can use it for an absent one.

use super::party::{ActorKind, PropertyChange};
use super::{GroupSource, OperationType, RecordingRoute, ResourceType, Status};

/// Assigns a number to each value of an enum.
macro_rules! stored_codes {
    ($( $type:ident { $($variant:ident = $code:literal),+ $(,)? } )+) => { $(
        impl $type {
            /// The number by which the database stores the value.
            pub const fn code(self) -> i16 {
                match self { $(Self::$variant => $code),+ }
            }

            /// Returns the value with a number, or `None` if there is none.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    )+ };
}

stored_codes! {
    ResourceType { Group = 1, Directory = 2, User = 3, Application = 4, Policy = 5, Device = 6, Other = 7 }
    OperationType { Create = 1, Update = 2, Delete = 3, Assign = 4, RemoteTask = 5, Read = 6, Other = 7 }
    GroupSource { AzureAd = 1, O365 = 2 }
    Status { Success = 1, Failure = 2, Timeout = 3, Unknown = 4 }
    RecordingRoute { GraphQl = 1, Rest = 2, Import = 3, Internal = 4 }
    ActorKind { User = 1, Application = 2, System = 3, Unknown = 4 }
    PropertyChange { Added = 1, Changed = 2, Removed = 3, Unknown = 4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers and names of all values of an enum, in the order of the numbers.
    macro_rules! numbered {
        ($type:ident) => {{
            let mut values: Vec<_> = $type::ALL.iter().map(|value| (value.code(), value.name())).collect();
            values.sort_unstable();
            for (code, name) in &values {
                assert_eq!($type::from_code(*code).map($type::name), Some(*name));
            }
            assert_eq!($type::from_code(0), None);
            values.iter().map(|(code, name)| format!("{code} {name}")).collect::<Vec<_>>().join(", ")
        }};
    }

    #[test]
    fn numbers_of_stored_values_do_not_change() {
        assert_eq!(numbered!(ResourceType), "1 GROUP, 2 DIRECTORY, 3 USER, 4 APPLICATION, 5 POLICY, 6 DEVICE, 7 OTHER");
        assert_eq!(numbered!(OperationType), "1 CREATE, 2 UPDATE, 3 DELETE, 4 ASSIGN, 5 REMOTE_TASK, 6 READ, 7 OTHER");
        assert_eq!(numbered!(GroupSource), "1 AZURE_AD, 2 O365");
        assert_eq!(numbered!(Status), "1 SUCCESS, 2 FAILURE, 3 TIMEOUT, 4 UNKNOWN");
        assert_eq!(numbered!(RecordingRoute), "1 GRAPHQL, 2 REST, 3 IMPORT, 4 INTERNAL");
        assert_eq!(numbered!(ActorKind), "1 USER, 2 APPLICATION, 3 SYSTEM, 4 UNKNOWN");
        assert_eq!(numbered!(PropertyChange), "1 ADDED, 2 CHANGED, 3 REMOVED, 4 UNKNOWN");
    }
}
