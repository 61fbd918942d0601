//! Somebody is called otherwise: in Bitbucket that is a new name of the same account, and whatever they have is theirs as before.

use std::collections::BTreeMap;

use super::{BitbucketServer, state::State};

impl BitbucketServer {
    /// Somebody is called otherwise from now on, everywhere in Bitbucket.
    pub fn rename(&self, from: &str, to: &str) {
        let mut state = self.shared.state();
        assert!(state.users.contains_key(from) && !state.users.contains_key(to), "{from} to {to}");
        state.rename(from, to);
    }
}

impl State {
    /// In every place that knows somebody by name.
    fn rename(&mut self, from: &str, to: &str) {
        let names = |all: &mut String| {
            if all.as_str() == from {
                to.clone_into(all);
            }
        };
        rename_key(&mut self.users, from, to);
        rename_key(&mut self.buckets, from, to);
        self.tokens.values_mut().for_each(names);
        for project in self.projects.values_mut() {
            rename_key(&mut project.users, from, to);
        }
        let company = &mut self.company;
        for members in company.groups.values_mut().chain([&mut company.inactive]) {
            if members.remove(from) {
                members.insert(to.to_owned());
            }
        }
        for given in company.in_repositories.values_mut() {
            rename_key(&mut given.users, from, to);
        }
        company.credentials.iter_mut().for_each(|one| names(&mut one.user));
        company.restrictions.iter_mut().flat_map(|one| &mut one.users).for_each(names);
        for one in self.pull_requests.values_mut().flatten() {
            names(&mut one.author);
            rename_key(&mut one.reviews, from, to);
            one.told.iter_mut().flat_map(|told| &mut told.approvals).for_each(|(by, _)| names(by));
        }
    }
}

fn rename_key<T>(all: &mut BTreeMap<String, T>, from: &str, to: &str) {
    if let Some(one) = all.remove(from) {
        all.insert(to.to_owned(), one);
    }
}
