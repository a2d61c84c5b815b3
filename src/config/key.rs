//! The arguments of `auditgraph key`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::DatabaseSettings;
use super::arguments::validity;

/// The arguments of `auditgraph key`.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// Name of the operator, recorded with every change.
    #[arg(long, global = true, env = "AUDITGRAPH_OPERATOR", value_name = "NAME", default_value = "operator")]
    pub operator: String,
    /// The database of the log.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// The action.
    #[command(subcommand)]
    pub action: KeyAction,
}

/// An action of `auditgraph key`.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyAction {
    /// Create an API key for a program, and print it. It is shown only once.
    Add(AddKeyArgs),
    /// List the API keys with their grants, expiry and last use, without their secrets.
    List {
        /// Key of the only tenant whose keys are listed. The default is all tenants.
        #[arg(long, value_name = "KEY")]
        tenant: Option<String>,
    },
    /// Revoke an API key. Servers reject it within five seconds, and end its streams and exports.
    Revoke {
        /// Id of the API key, as `key list` prints it.
        id: String,
    },
    /// Create an API key with the name and the grants of another one, and print it. The other one expires soon.
    Rotate {
        /// Id of the API key to replace.
        id: String,
        /// Time until the replaced key expires, such as `15m`, `1h` or `7d`; `0s` if it has leaked.
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = overlap)]
        overlap: Duration,
        /// Validity of the new key, such as `90d`. The default is that of the replaced key.
        #[arg(long, value_name = "DURATION", value_parser = validity)]
        expires_in: Option<Duration>,
    },
}

/// The arguments of `auditgraph key add`.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("grants").args(["role", "permission"]).required(true).multiple(true))]
pub struct AddKeyArgs {
    /// Key of the tenant.
    #[arg(long, value_name = "KEY")]
    pub tenant: String,
    /// Name of the program that uses the key.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Permission: `audit/write` (record), `audit/read` (read) or `audit/admin` (manage API keys). May be repeated.
    #[arg(long)]
    pub permission: Vec<String>,
    /// Access role: `AUDIT_READER` or `INTUNE_SERVICE_ADMIN`. May be repeated.
    #[arg(long)]
    pub role: Vec<String>,
    /// Service that the key may record and read. May be repeated. The default is all services.
    #[arg(long = "service", value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Network that the key may be used from, such as `10.0.0.0/8` or `192.0.2.7`. May be repeated. The default is any.
    #[arg(long = "network", value_name = "NETWORK")]
    pub networks: Vec<String>,
    /// Validity of the key, such as `90d`; at most ten years. Without this option, the key does not expire.
    #[arg(long, value_name = "DURATION", value_parser = validity)]
    pub expires_in: Option<Duration>,
}

/// Parses the time until a replaced key expires, which is at most 90 days.
fn overlap(value: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(value).map_err(|problem| problem.to_string())?;
    let max = Duration::from_hours(90 * 24);
    if duration <= max { Ok(duration) } else { Err("the overlap is at most 90 days".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_is_a_duration_up_to_90_days() {
        assert_eq!(overlap("0s"), Ok(Duration::ZERO));
        assert_eq!(overlap("90d"), Ok(Duration::from_hours(2_160)));
        for invalid in ["", "91d", "-1h", "1"] {
            assert!(overlap(invalid).is_err(), "{invalid}");
        }
    }
}
