//! The transactional outbox: events that an application writes into a table of its own database, in the transaction of
//! the change that they report, and a relay that delivers them to a server.
//!
//! Either both the change and its event are committed or neither is, so no event is lost, whatever fails. The relay
//! removes a row only after the server has acknowledged its event, and the key of an event is made when the row is
//! inserted: an event that is delivered again is a duplicate, and is recorded once.
//!
//! - [`ddl`]: the statements that create the table.
//! - [`table`]: reads and settles rows, on PostgreSQL and SQLite.
//! - [`event`]: makes the event of a row.
//! - [`server`]: sends events and reads the outcome of each.
//! - [`relay`]: the loop.

pub mod ddl;
pub mod event;
pub mod relay;
pub mod server;
pub mod table;
