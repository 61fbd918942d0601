use super::{
    BitbucketServer, Permission,
    company::{AccessKey, Credential, CredentialKind, Model, Restriction},
    state::Global,
};

/// A company that uses it: made, and looked at.
impl BitbucketServer {
    /// Makes a group of these users, who must be there.
    pub fn add_group(&self, group: &str, members: &[&str]) {
        let mut state = self.shared.state();
        let members = members.iter().map(|name| state.user(name).expect("a user")).collect();
        state.company.groups.insert(group.to_owned(), members);
    }

    /// Makes a group one of a directory that is only read: nobody leaves it, and this status is answered.
    pub fn group_is_read_only(&self, group: &str, status: u16) {
        self.shared.state().company.read_only_groups.insert(group.to_owned(), status);
    }

    /// Makes a user who may use it through groups only.
    pub fn add_account(&self, name: &str) {
        self.shared.state().put_user(name, None);
    }

    /// Gives a group a right that holds everywhere.
    pub fn permit_everywhere(&self, group: &str, global: Global) {
        self.shared.state().company.everywhere.insert(group.to_owned(), global);
    }

    /// Lets a user into one repository, `PROJECT/slug`, or a group when it begins with `@`.
    pub fn permit_in(&self, holder: &str, repository: &str, permission: Permission) {
        let mut state = self.shared.state();
        let given = state.company.in_repositories.entry(repository.to_owned()).or_default();
        match holder.strip_prefix('@') {
            Some(group) => given.groups.insert(group.to_owned(), permission),
            None => given.users.insert(holder.to_owned(), permission),
        };
    }

    /// Lets a group into a project.
    pub fn permit_group(&self, group: &str, project: &str, permission: Permission) {
        let mut state = self.shared.state();
        state.company.in_projects.entry(project.to_owned()).or_default().insert(group.to_owned(), permission);
    }

    /// Makes a token or a key of a user. A token can be used.
    pub fn add_credential(
        &self,
        user: &str,
        kind: CredentialKind,
        label: &str,
        expiry_days: Option<u64>,
    ) -> String {
        let secret = (kind == CredentialKind::Token).then(|| self.token(user));
        let mut state = self.shared.state();
        let id = state.company.credentials.iter().map(|one| one.id).max().unwrap_or(0) + 1;
        let (user, label) = (user.to_owned(), label.to_owned());
        state.company.credentials.push(Credential {
            kind,
            user,
            id,
            label,
            expiry_days,
            secret: secret.clone(),
            used: None,
        });
        secret.unwrap_or_default()
    }

    /// Somebody last came in with a user's token or key of that label at a moment, in milliseconds since 1970.
    pub fn last_used(&self, user: &str, label: &str, at: u64) {
        let mut state = self.shared.state();
        let is_it = |one: &&mut Credential| one.user == user && one.label == label;
        state.company.credentials.iter_mut().find(is_it).expect("a token or a key").used = Some(at);
    }

    /// Gives a project or a repository an SSH key.
    pub fn add_access_key(&self, place: &str, label: &str, writes: bool, expiry_days: Option<u64>) {
        let mut state = self.shared.state();
        let id = state.company.access_keys.iter().map(|one| one.id).max().unwrap_or(0) + 1;
        let (place, label) = (place.to_owned(), label.to_owned());
        state.company.access_keys.push(AccessKey { id, place, label, writes, expiry_days });
    }

    /// Gives a project or a repository an HTTP token.
    pub fn add_token_of(&self, place: &str, label: &str, expiry_days: Option<u64>) {
        let mut state = self.shared.state();
        let id = state.company.tokens_of_places.len() as u64 + 1;
        let (place, label) = (place.to_owned(), label.to_owned());
        state.company.tokens_of_places.push(AccessKey { id, place, label, writes: true, expiry_days });
    }

    /// The labels of the access keys of a project or a repository.
    pub fn access_keys(&self, place: &str) -> Vec<String> {
        let state = self.shared.state();
        let own = state.company.access_keys.iter().filter(|one| one.place == place);
        own.map(|one| one.label.clone()).collect()
    }

    /// What everybody may do in a project.
    pub fn everybody(&self, project: &str) -> Option<Permission> {
        self.shared.state().company.everybody.get(project).copied()
    }

    /// Restricts refs of a project or a repository by a pattern, but not for these users.
    pub fn restrict(&self, place: &str, kind: &str, on: &str, users: &[&str]) {
        self.restrict_by(place, kind, ("PATTERN", on), users);
    }

    /// The same by any matcher, but not for these: users, `@group`s and access keys, written `key:label`.
    pub fn restrict_by(&self, place: &str, kind: &str, matcher: (&str, &str), exempt: &[&str]) {
        let mut state = self.shared.state();
        let id = state.company.restrictions.iter().map(|one| one.id).max().unwrap_or(0) + 1;
        let of = |start: &str| {
            exempt.iter().filter_map(|one| one.strip_prefix(start)).map(str::to_owned).collect()
        };
        let is_user = |one: &&&str| !one.starts_with('@') && !one.starts_with("key:");
        let users = exempt.iter().filter(is_user).map(|&user| user.to_owned()).collect();
        let (matcher, on) = (matcher.0.to_owned(), matcher.1.to_owned());
        let (place, kind, groups, keys) = (place.to_owned(), kind.to_owned(), of("@"), of("key:"));
        state.company.restrictions.push(Restriction { id, place, kind, matcher, on, users, groups, keys });
    }

    /// All restrictions, as `PAY no-deletes BRANCH refs/heads/main ada @eng`, sorted.
    pub fn restrictions(&self) -> Vec<String> {
        let state = self.shared.state();
        let shown = |one: &Restriction| {
            let groups = one.groups.iter().map(|group| format!("@{group}"));
            let keys = one.keys.iter().map(|key| format!("key:{key}"));
            let exempt = one.users.iter().cloned().chain(groups).chain(keys);
            let parts = [one.place.clone(), one.kind.clone(), one.matcher.clone(), one.on.clone()];
            parts.into_iter().chain(exempt).collect::<Vec<_>>().join(" ")
        };
        let mut all: Vec<_> = state.company.restrictions.iter().map(shown).collect();
        all.sort();
        all
    }

    /// Takes away a restriction, as a careless administrator does.
    pub fn lift(&self, kind: &str, on: &str) {
        self.shared.state().company.restrictions.retain(|one| one.kind != kind || one.on != on);
    }

    /// Gives a repository a branching model: the branches for development and production, by their full names, and
    /// categories with what their branches begin with.
    pub fn model(
        &self,
        repository: &str,
        development: Option<&str>,
        production: Option<&str>,
        categories: &[(&str, &str)],
    ) {
        let model = Model {
            development: development.map(str::to_owned),
            production: production.map(str::to_owned),
            categories: categories.iter().map(|&(id, prefix)| (id.to_owned(), prefix.to_owned())).collect(),
        };
        self.shared.state().company.models.insert(repository.to_owned(), model);
    }

    /// Lets everybody who is signed in into a project.
    pub fn permit_everybody(&self, project: &str, permission: Permission) {
        self.shared.state().company.everybody.insert(project.to_owned(), permission);
    }

    /// Whether a token is good.
    pub fn has_token(&self, token: &str) -> bool {
        self.shared.state().tokens.contains_key(token)
    }

    /// How many tokens and keys a user has.
    pub fn credentials(&self, user: &str) -> usize {
        self.shared.state().company.credentials.iter().filter(|one| one.user == user).count()
    }

    /// Everything that was given in projects and repositories, as `PAY ada Write` and `PAY/api @eng Read`, sorted.
    pub fn given(&self) -> Vec<String> {
        let state = self.shared.state();
        let mut all = Vec::new();
        for (key, project) in &state.projects {
            all.extend(project.users.iter().map(|(user, one)| format!("{key} {user} {one:?}")));
        }
        for (key, groups) in &state.company.in_projects {
            all.extend(groups.iter().map(|(group, one)| format!("{key} @{group} {one:?}")));
        }
        for (place, given) in &state.company.in_repositories {
            all.extend(given.users.iter().map(|(user, one)| format!("{place} {user} {one:?}")));
            all.extend(given.groups.iter().map(|(group, one)| format!("{place} @{group} {one:?}")));
        }
        all.sort();
        all
    }

    /// The groups that a user is in.
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        let state = self.shared.state();
        let groups = state.company.groups.iter().filter(|(_, members)| members.contains(user));
        groups.map(|(group, _)| group.clone()).collect()
    }

    /// Makes repositories that nobody pushes to, many at once.
    pub fn add_listed(&self, project: &str, slugs: impl IntoIterator<Item = String>) {
        self.shared.state().projects.entry(project.to_owned()).or_default().repositories.extend(slugs);
    }

    /// After so many more changes it answers nothing any more, until it [answers](Self::answers) again.
    pub fn end_after(&self, changes: usize) {
        self.shared.state().ends_after = Some(changes);
    }

    /// After so many more changes it does what it is asked for, and gives no answer any more.
    pub fn hold_after(&self, changes: usize) {
        self.shared.state().holds_after = Some(changes);
    }

    /// After so many more changes the next one waits, before anything is done, until it [comes back](Self::comes_back).
    pub fn pause_after(&self, changes: usize) {
        self.shared.state().pauses_after = Some(changes);
    }

    /// Whatever has this in its `METHOD /path` is answered with a status, and nothing is done.
    pub fn stumble_at(&self, part: &str, status: u16) {
        self.shared.state().stumbles.push((part.to_owned(), status));
    }

    /// Whether somebody deletes each branch by hand, just before it is deleted by REST.
    pub fn delete_first(&self, is: bool) {
        self.shared.state().deletes_first = is;
    }

    /// It answers again.
    pub fn comes_back(&self) {
        let mut state = self.shared.state();
        (state.ends_after, state.holds_after, state.pauses_after) = (None, None, None);
        state.stumbles.clear();
        (state.answers, state.read_only) = (true, false);
    }

    /// Whether every change is refused, as by a node that only reads.
    pub fn read_only(&self, is: bool) {
        self.shared.state().read_only = is;
    }

    /// Whether it tells everybody who asks by which name it knows them.
    pub fn tells_who_asked(&self, tells: bool) {
        self.shared.state().tells_who_asked = tells;
    }

    /// Whether it says when to ask again, where there is too much asking.
    pub fn says_when(&self, says: bool) {
        self.shared.state().says_when = says;
    }
}
