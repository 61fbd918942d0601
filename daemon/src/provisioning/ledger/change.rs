use oam_bitbucket::provision::Told;
use serde::{Deserialize, Serialize};

/// A change, as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    step: String,
    place: String,
    user: String,
    group: String,
    thing: String,
    before: String,
    after: String,
    because: String,
}

impl Written {
    pub(super) fn of(told: &Told) -> Self {
        let Told { step, place, user, group, thing, before, after, because } = told.clone();
        Self { step, place, user, group, thing, before, after, because }
    }

    pub(super) fn told(self) -> Told {
        let Self { step, place, user, group, thing, before, after, because } = self;
        Told { step, place, user, group, thing, before, after, because }
    }
}
