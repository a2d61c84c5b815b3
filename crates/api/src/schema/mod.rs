//! The GraphQL schema: types, inputs and resolvers.
//!
//! Doc comments of GraphQL types and fields are the descriptions in `schema.graphql`.

pub mod query;
pub mod mutation;
pub mod subscription;
pub mod record;
pub mod event;
pub mod feed;
pub mod summary;
pub mod party;
pub(crate) mod id;
pub mod node;
pub mod activity;
pub mod catalogue_page;
pub mod viewer;
pub mod api_key;
pub mod filter;
pub mod condition;
mod filter_values;
pub(crate) mod description;
pub mod scalar;
pub mod enums;

#[cfg(test)]
mod tests;
