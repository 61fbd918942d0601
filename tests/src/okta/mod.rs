//! A strict, stateful stand-in for an Okta organization: of its API what is written down of it, and nothing else.
//!
//! What it does not know is an error, not something to be ignored: a path, a method, a parameter, a filter. Lists come in
//! pages with cursors, leave deactivated users out where no filter says otherwise, and count against a limit.

mod answer;
mod state;

use jiff::Timestamp;

use crate::{assertion::ClientKey, stand_in::StandIn};
use state::{Group, Organization, User};

/// A running organization. It ends with this value.
#[derive(Debug)]
pub struct OktaServer(StandIn<Organization>);

impl OktaServer {
    /// The API token that it takes.
    pub const TOKEN: &str = "00secret-of-the-api";

    /// The application that may ask by a key.
    pub const CLIENT: &str = "0oa1client2of3okta4";

    /// One with nobody in it, whose pages have this many entries at most.
    pub fn start(per_page: usize) -> Self {
        Self(StandIn::start(Organization::new(per_page)))
    }

    /// Lets nobody in but the application that has this key.
    pub fn trust(&self, key: &ClientKey) {
        self.0.with(|org| org.client = Some(key.known()));
    }

    /// Makes all tokens worthless that were given out for a key.
    pub fn revoke_tokens(&self) {
        self.0.with(|org| org.tokens.clear());
    }

    /// How many tokens were given out, each for an assertion that did not come before.
    pub fn granted(&self) -> usize {
        self.0.with(|org| org.taken.count())
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Makes an active user, long ago, who signs in as `<name>@example.com`; gives their id.
    pub fn add_user(&self, name: &str) -> String {
        self.0.with(|org| {
            let id = format!("00u{:08}", org.next_number());
            let user = User { login: format!("{name}@example.com"), ..User::new() };
            org.users.insert(id.clone(), user);
            id
        })
    }

    /// The same, just now.
    pub fn hire(&self, name: &str) -> String {
        let id = self.add_user(name);
        self.0.with(|org| org.users.get_mut(&id).unwrap().last_updated = Timestamp::now());
        id
    }

    /// Gives a user another status.
    pub fn set_status(&self, user: &str, status: &str) {
        self.0.with(|org| {
            let user = org.users.get_mut(user).unwrap();
            (user.status, user.last_updated) = (status.to_owned(), Timestamp::now());
        });
    }

    /// Deletes a user for good.
    pub fn delete_user(&self, user: &str) {
        self.0.with(|org| {
            org.users.remove(user).unwrap();
            for group in org.groups.values_mut() {
                group.members.remove(user);
            }
        });
    }

    /// Makes a group, long ago; gives its id.
    pub fn add_group(&self, name: &str, members: &[&str]) -> String {
        self.0.with(|org| {
            let id = format!("00g{:08}", org.next_number());
            let members = members.iter().map(|member| (*member).to_owned()).collect();
            org.groups
                .insert(id.clone(), Group { name: name.to_owned(), members, ..Group::new("OKTA_GROUP") });
            id
        })
    }

    /// Deletes a group.
    pub fn delete_group(&self, group: &str) {
        self.0.with(|org| org.groups.remove(group).unwrap());
    }

    /// Puts a user into a group, or takes them out.
    pub fn set_member(&self, group: &str, user: &str, is_member: bool) {
        self.0.with(|org| {
            let group = org.groups.get_mut(group).unwrap();
            group.last_membership_updated = Timestamp::now();
            if is_member {
                group.members.insert(user.to_owned());
            } else {
                group.members.remove(user);
            }
        });
    }

    /// Answers every request whose target contains `part` with this status; `None`: as ever.
    pub fn fail(&self, part: &str, status: Option<u16>) {
        self.0.fail(part, status);
    }

    /// Whether it answers at all. Where not every connection is closed at once.
    pub fn answers(&self, answers: bool) {
        self.0.answers(answers);
    }

    /// Holds every request whose target contains `part`, until [`Self::release`].
    pub fn hold(&self, part: &str) {
        self.0.hold(part);
    }

    /// The same, and answers whatever else is held.
    pub fn hold_instead(&self, part: &str) {
        self.0.hold_instead(part);
    }

    /// Whether a request is held.
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Answers whatever is held.
    pub fn release(&self) {
        self.0.release();
    }

    /// Names this host in the links to next pages.
    pub fn point_next_to(&self, base: &str) {
        self.0.with(|org| org.next_base = Some(base.to_owned()));
    }

    /// Shows nothing to whoever asks, as to somebody without rights.
    pub fn show_nothing(&self) {
        self.0.with(|org| org.shows_nothing = true);
    }

    /// Shows nobody to whoever asks for everybody; what changed is told all the same.
    pub fn hide_from_loads(&self) {
        self.0.with(|org| org.hides_from_loads = true);
    }

    /// Names the first page of a list as the one after the second.
    pub fn go_round(&self, goes_round: bool) {
        self.0.with(|org| org.goes_round = goes_round);
    }

    /// Lets this many requests in within each so many seconds.
    pub fn limit_rate(&self, requests: u32, seconds: i64) {
        self.0.with(|org| org.limit = Some((requests, seconds)));
    }

    /// How many requests were too many so far.
    pub fn too_many(&self) -> usize {
        self.0.with(|org| org.too_many)
    }

    /// Every request so far, as `/path?query`, decoded.
    pub fn requests(&self) -> Vec<String> {
        self.0.requests()
    }

    /// How many requests so far contain this.
    pub fn asked(&self, part: &str) -> usize {
        self.0.requests().iter().filter(|request| request.contains(part)).count()
    }
}
