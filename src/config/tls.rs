//! Settings of TLS in the server.

use std::path::PathBuf;

use clap::Args;

/// Settings of TLS in the server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "TLS")]
pub struct TlsSettings {
    /// A PEM file with the certificate of the server, followed by those of intermediate authorities. The server then
    /// accepts only TLS (1.2 and 1.3). The file is read again when it changes.
    #[arg(long, env = "AUDITGRAPH_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// A PEM file with the private key of the certificate. The file is read again when it changes.
    #[arg(long, env = "AUDITGRAPH_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
}
