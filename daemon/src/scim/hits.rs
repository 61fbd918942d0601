//! What a query finds: how many, and those who are on the page. Nobody else is kept or shown.

use std::sync::Arc;

use oam_scim::{list::Page, project::Projection};
use serde_json::Value;
use tokio::task::block_in_place;

use super::{Answer, Asked, group, user};
use crate::source::{StoredGroup, StoredUser};

/// A page ends behind the group with which so many members are shown: one may have fewer than asked for, and whoever
/// asks goes on behind it.
const MOST_MEMBERS: usize = 100_000;

/// One that is found.
#[derive(Debug)]
pub(super) enum Hit {
    User(Arc<StoredUser>),
    Group(Arc<StoredGroup>),
}

/// All that is found so far.
#[derive(Debug)]
pub(super) struct Hits {
    page: Page,
    total: usize,
    on_page: Vec<Hit>,
}

impl Hits {
    pub(super) fn of(page: Page) -> Self {
        Self { page, total: 0, on_page: Vec::new() }
    }

    pub(super) fn add(&mut self, hit: Hit) {
        self.total += 1;
        if self.total >= self.page.start && self.on_page.len() < self.page.count {
            self.on_page.push(hit);
        }
    }

    pub(super) fn answer(self, asked: &Asked<'_>, projection: &Projection) -> Answer {
        let resources = block_in_place(|| self.resources(asked, projection));
        Answer::new(200, self.page.response(self.total, &resources))
    }

    fn resources(&self, asked: &Asked<'_>, projection: &Projection) -> Vec<Value> {
        let mut resources = Vec::new();
        let mut members = 0;
        for hit in &self.on_page {
            if members >= MOST_MEMBERS {
                break;
            }
            resources.push(match hit {
                Hit::User(user) => user::shown(asked, user, projection),
                Hit::Group(group) => {
                    let those = group::members(asked, &group.id, projection);
                    members += those.len();
                    group::shown(asked, group, &those, projection)
                }
            });
        }
        resources
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use oam_scim::{Document, list::Page};

    use super::{Hit, Hits};
    use crate::source::StoredUser;

    #[test]
    fn all_are_counted_and_only_the_page_is_kept() {
        let user = |number: usize| {
            let at = Timestamp::UNIX_EPOCH;
            Hit::User(Arc::new(StoredUser::new(&format!("u{number}"), at, at, 1, &Document::new())))
        };
        for (start, count, kept) in [(1, 3, 0..3), (9, 5, 8..10), (4, 0, 0..0), (11, 3, 0..0)] {
            let mut hits = Hits::of(Page { start, count });
            (0..10).for_each(|number| hits.add(user(number)));
            let on_page = hits.on_page.iter().map(|hit| match hit {
                Hit::User(user) => user.id.to_string(),
                Hit::Group(group) => group.id.to_string(),
            });
            let expected: Vec<_> = kept.map(|number| format!("u{number}")).collect();
            assert_eq!((hits.total, on_page.collect::<Vec<_>>()), (10, expected), "from {start}");
        }
    }
}
