//! A page of results.

use serde_json::{Value, json};

use crate::error::{Problem, ScimType};

/// The schema of a page of results.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The most results of one page.
pub const MAX_RESULTS: usize = 1_000;
/// How many there are on a page when nobody says.
pub const DEFAULT_RESULTS: usize = 100;

/// Which part of all results is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The first one, counted from 1.
    pub start: usize,
    /// At most how many.
    pub count: usize,
}

impl Page {
    /// Reads `startIndex` and `count`. What is too small means the smallest, as the standard has it.
    ///
    /// # Errors
    /// When one of them is no number.
    pub fn parse(start: Option<&str>, count: Option<&str>) -> Result<Self, Problem> {
        let number = |name: &str, text: Option<&str>| {
            let number = text.map(|text| text.trim().parse::<i64>()).transpose();
            number.map_err(|_| Problem::bad(ScimType::InvalidValue, format!("`{name}` is a number")))
        };
        let start = number("startIndex", start)?.unwrap_or(1).max(1);
        let count =
            number("count", count)?.map_or(Ok(DEFAULT_RESULTS), |count| usize::try_from(count.max(0)));
        Ok(Self {
            start: usize::try_from(start).unwrap_or(usize::MAX),
            count: count.unwrap_or(MAX_RESULTS).min(MAX_RESULTS),
        })
    }

    /// A page of results.
    pub fn response(self, total: usize, resources: &[Value]) -> Value {
        json!({
            "schemas": [SCHEMA],
            "totalResults": total,
            "startIndex": self.start,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        })
    }
}
