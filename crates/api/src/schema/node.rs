//! Objects with a global id.

use async_graphql::{ID, Interface};

use crate::schema::event::AuditEvent;

/// An object with a globally unique, opaque id.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The object's global id."))]
pub enum Node {
    /// An audit event.
    AuditEvent(AuditEvent),
}
