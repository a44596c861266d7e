//! What the tests of the product rely upon, asked by a plain client.

mod answers;
mod client;
mod faults;
mod filters;
mod http;
mod pages;
mod schema;
