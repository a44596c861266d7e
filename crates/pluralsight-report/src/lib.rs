//! The report on seats: one HTML page that needs nothing else, from rows that were read already.
//!
//! [`Data`] is what the views `report_*`, `seats_by_month` and `license_forecast` say; [`render`] makes the page of it. The
//! template is `templates/report.html`. Names come from the API and from HR, so they can hold anything: the template engine
//! escapes them, and the page forbids itself scripts and everything from elsewhere.

mod chart;
mod data;
mod page;
mod text;

pub use data::{
    CostCenter, Data, First, Forecast, Freshness, Manager, Month, Person, Product, Reason, Summary,
};

use askama::Template;

/// The page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written: {0}")]
pub struct RenderError(#[from] askama::Error);

/// The page, in ASCII: what is not is written as character references, so that the page is the same in every encoding of a
/// database, a file or a mail.
pub fn render(data: &Data) -> Result<String, RenderError> {
    Ok(text::ascii(&page::Page::of(data).render()?))
}
