//! Import formats: converts the audit records of other systems into events.
//!
//! Each format or family of formats has one file. [`recognise()`] detects the format from the content of a record,
//! never from its origin, and converts the record. [`reader::RecordReader`] splits files into records, and [`split()`]
//! opens the pages, tables and envelopes in them. The crate does no I/O except reading its input, and does not decide what
//! may be recorded.
//!
//! Mappers do not list what they omit. They mark what they convert, and one generic pass ([`unmapped`]) keeps everything
//! else in the event's `unmapped` field, so that a wrong or incomplete mapping loses no data.

mod azure_ad_graph;
mod azure_monitor;
mod cloud_app_event;
mod directory_audit;
mod embedded;
mod event_draft;
mod flattened;
mod generic;
mod intune;
mod json_scanner;
mod key;
mod pages;
pub mod reader;
mod recognise;
mod source_record;
mod table;
mod timestamp;
mod truncated;
mod unified_audit;
mod unmapped;
mod unsupported;
mod value;
mod windows_365;

pub use pages::{SplitRecords, records, split};
pub use reader::{ReadWarning, RecordReadError, RecordReader};
pub use recognise::recognise;

use model::json::Json;
use model::{EventBody, wire_enum};

wire_enum! {
    /// The supported record formats.
    RecordFormat {
        /// Microsoft Graph `directoryAudit`: Entra.
        DirectoryAudit = "graph.directoryAudit",
        /// Azure AD Graph `activities/audit`: Entra until 2019.
        AzureAdGraph = "azureAdGraph.audit",
        /// Microsoft Graph `auditEvent`: Intune.
        IntuneAuditEvent = "graph.auditEvent",
        /// Microsoft Graph `cloudPcAuditEvent`: Windows 365.
        CloudPcAuditEvent = "graph.cloudPcAuditEvent",
        /// Azure Monitor export of Entra's audit log.
        MonitorEntra = "azureMonitor.auditLogs",
        /// The Azure Monitor export of 2018.
        MonitorEntra2018 = "azureMonitor.audit2018",
        /// Azure Monitor export of Intune's audit log.
        MonitorIntune = "azureMonitor.intuneAuditLogs",
        /// Azure Monitor export of Windows 365's audit log.
        MonitorWindows365 = "azureMonitor.windows365AuditLogs",
        /// A row of the Log Analytics table `AuditLogs`.
        LogAnalytics = "logAnalytics.auditLogs",
        /// A result of a Purview search, with the unified audit record inside.
        Purview = "purview.auditLogRecord",
        /// An Office 365 unified audit record.
        UnifiedAudit = "office365.unifiedAudit",
        /// A row of the hunting table `CloudAppEvents` of Microsoft Defender.
        CloudAppEvent = "defender.cloudAppEvents",
        /// An event in a `CloudEvents` envelope.
        CloudEvent = "cloudEvents",
        /// Any object with a time and an activity.
        Generic = "generic",
    }
}

/// A record that was converted.
#[derive(Clone, Debug)]
pub struct RecognisedRecord {
    /// The detected format.
    pub format: RecordFormat,
    /// The event. Its provenance (`recording`) is incomplete.
    pub body: EventBody,
    /// The value of `unmapped` if the event is recorded under another key than its id. It also contains the id. `None` if
    /// it equals the one in `body`.
    pub unmapped_if_rekeyed: Option<Json>,
}

/// The reason why a record cannot be converted: a sentence that names what is missing, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedRecord(pub String);

impl std::fmt::Display for UnsupportedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnsupportedRecord {}

#[cfg(test)]
mod tests;
