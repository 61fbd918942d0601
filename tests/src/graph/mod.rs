//! A strict, stateful stand-in for Microsoft Graph and the place where applications sign in: delta queries of users and
//! groups, members, and subscriptions with calls.
//!
//! What it does not know is an error: a path, a parameter, a token. A group comes again on the next page with more of its
//! members, places are given up, and what is deleted may come back.

mod answer;
mod calls;
mod state;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use serde_json::Value;

use crate::{assertion::ClientKey, stand_in::StandIn};
use state::{Subscription, Tenant, User};

/// A running tenant. It ends with this value.
#[derive(Debug)]
pub struct GraphServer(StandIn<Tenant>, Arc<Door>);

/// The file that says where all addresses lead that it is to call.
type Door = OnceLock<PathBuf>;

impl GraphServer {
    /// The tenant.
    pub const TENANT: &str = "example.onmicrosoft.com";
    /// The application that may ask.
    pub const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
    /// Its secret.
    pub const SECRET: &str = "client-secret~of.the-app";

    /// One with nobody in it, whose pages have this many entries at most.
    pub fn start(per_page: usize) -> Self {
        let door = Arc::new(Door::new());
        Self(StandIn::start(Tenant::new(per_page, Arc::clone(&door))), door)
    }

    /// Takes the application's secret no more, but its certificate.
    pub fn trust(&self, key: &ClientKey) {
        self.0.with(|tenant| tenant.certificate = Some(key.known()));
    }

    /// How many tokens were given out for a certificate, each for an assertion that did not come before.
    pub fn granted(&self) -> usize {
        self.0.with(|tenant| tenant.taken.count())
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// Makes a user `<name>@example.com` who may sign in; gives their id.
    pub fn add_user(&self, name: &str) -> String {
        self.0.with(|tenant| {
            let id = tenant.next_id();
            let changed = tenant.tick();
            tenant.users.insert(id.clone(), User::new(&format!("{name}@example.com"), changed));
            id
        })
    }

    /// Lets a user sign in, or not.
    pub fn enable(&self, user: &str, enabled: bool) {
        self.0.with(|tenant| {
            let changed = tenant.tick();
            let user = tenant.users.get_mut(user).unwrap();
            (user.enabled, user.changed) = (enabled, changed);
        });
    }

    /// Lets none of these users sign in any more, all at one moment.
    pub fn disable(&self, users: &[&str]) {
        self.0.with(|tenant| {
            for user in users {
                let changed = tenant.tick();
                let user = tenant.users.get_mut(*user).unwrap();
                (user.enabled, user.changed) = (false, changed);
            }
        });
    }

    /// Deletes a user, who may come back.
    pub fn delete_user(&self, user: &str) {
        self.0.with(|tenant| tenant.set_deleted(user, true));
    }

    /// Brings a deleted user back.
    pub fn restore_user(&self, user: &str) {
        self.0.with(|tenant| tenant.set_deleted(user, false));
    }

    /// Makes a group; gives its id.
    pub fn add_group(&self, name: &str, members: &[&str]) -> String {
        let id = self.0.with(|tenant| tenant.add_group(name));
        for member in members {
            self.set_member(&id, member, true);
        }
        id
    }

    /// Deletes a group for good.
    pub fn delete_group(&self, group: &str) {
        self.0.with(|tenant| {
            let changed = tenant.tick();
            let group = tenant.groups.get_mut(group).unwrap();
            (group.is_deleted, group.changed) = (true, changed);
        });
    }

    /// Puts a user or a group into a group, or takes them out.
    pub fn set_member(&self, group: &str, member: &str, is_member: bool) {
        self.0.with(|tenant| tenant.set_member(group, member, is_member));
    }

    /// Gives up all places from which changes could be told.
    pub fn forget_places(&self) {
        self.0.with(Tenant::forget_places);
    }

    /// Makes all tokens worthless.
    pub fn revoke_tokens(&self) {
        self.0.with(|tenant| tenant.tokens.clear());
    }

    /// Answers so many requests to Graph with "later", in this many seconds.
    pub fn slow_down(&self, requests: u32, seconds: u32) {
        self.0.with(|tenant| tenant.slow = (requests, seconds));
    }

    /// Names this host in the links to next pages.
    pub fn point_next_to(&self, base: &str) {
        self.0.with(|tenant| tenant.next_base = Some(base.to_owned()));
    }

    /// Shows nothing to whoever asks, as to somebody without rights.
    pub fn show_nothing(&self) {
        self.0.with(|tenant| tenant.shows_nothing = true);
    }

    /// Shows nobody to whoever asks for everybody; what changed is told all the same.
    pub fn hide_from_loads(&self) {
        self.0.with(|tenant| tenant.hides_from_loads = true);
    }

    /// Names the second page of a list as the one after the second.
    pub fn go_round(&self, goes_round: bool) {
        self.0.with(|tenant| tenant.goes_round = goes_round);
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

    /// Whether a request is held.
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Answers whatever is held.
    pub fn release(&self) {
        self.0.release();
    }

    /// Every request so far, as `/path?query`, decoded.
    pub fn requests(&self) -> Vec<String> {
        self.0.requests()
    }

    /// How many requests so far contain this.
    pub fn asked(&self, part: &str) -> usize {
        self.0.requests().iter().filter(|request| request.contains(part)).count()
    }

    /// Takes the address that is in `file` for the one to which all lead that it is to call. Until then, it waits with calling.
    pub fn calls_reach(&self, file: &Path) {
        self.1.set(file.to_owned()).expect("it is told once");
    }

    /// Where subscribers are called, and what for: `users`, `groups`.
    pub fn subscribers(&self) -> Vec<(String, String)> {
        self.0.with(|tenant| {
            let all = tenant.subscriptions.values();
            all.map(|one| (one.resource.clone(), one.place.clone())).collect()
        })
    }

    /// Calls whoever subscribed to `users` or `groups`: something about this object changed. Gives the statuses.
    pub fn call(&self, resource: &str, object: &str) -> Vec<u16> {
        let subscribed = self.0.with(|tenant| tenant.subscriptions.clone());
        let wanted = subscribed.iter().filter(|(_, one)| one.resource == resource);
        let calls = wanted.map(|(id, one)| (one, calls::changed(resource, object, &one.state, id)));
        calls.map(|(one, body)| self.post(one, &body)).collect()
    }

    /// Ends the subscriptions, and tells so. Gives the statuses.
    pub fn remove_subscriptions(&self) -> Vec<u16> {
        let ended = self.0.with(|tenant| std::mem::take(&mut tenant.subscriptions));
        ended.iter().map(|(id, one)| self.post(one, &calls::removed(&one.state, id))).collect()
    }

    fn post(&self, to: &Subscription, body: &Value) -> u16 {
        calls::post(&self.1, &to.place, "", &body.to_string()).0
    }
}
