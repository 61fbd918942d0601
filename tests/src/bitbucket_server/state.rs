use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use super::{company::Company, external_hooks::App, pull_requests::PullRequest};

/// What a user may do everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Global {
    /// `LICENSED_USER`
    Licensed,
    /// `PROJECT_CREATE`
    ProjectCreate,
    /// `ADMIN`
    Admin,
    /// `SYS_ADMIN`
    SysAdmin,
}

impl Global {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Licensed => "LICENSED_USER",
            Self::ProjectCreate => "PROJECT_CREATE",
            Self::Admin => "ADMIN",
            Self::SysAdmin => "SYS_ADMIN",
        }
    }

    pub(crate) fn read(name: &str) -> Option<Self> {
        let all = [Self::Licensed, Self::ProjectCreate, Self::Admin, Self::SysAdmin];
        all.into_iter().find(|one| one.as_str() == name)
    }
}

/// What a user may do in a project and all its repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `PROJECT_READ`
    Read,
    /// `PROJECT_WRITE`
    Write,
    /// `REPO_CREATE`
    Create,
    /// `PROJECT_ADMIN`
    Admin,
}

impl Permission {
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Create, Self::Admin];
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) users: BTreeMap<String, User>,
    /// The number of the user who was made last. None is given twice.
    pub(crate) last_user: u64,
    pub(crate) tokens: BTreeMap<String, String>,
    pub(crate) projects: BTreeMap<String, Project>,
    pub(crate) scripts: BTreeMap<u64, Script>,
    pub(crate) last_script: u64,
    pub(crate) hook_scripts_run: bool,
    pub(crate) answers: bool,
    pub(crate) limit: Option<u32>,
    pub(crate) buckets: BTreeMap<String, (f64, Instant)>,
    pub(crate) requests: Vec<String>,
    pub(crate) company: Company,
    /// The app External Hooks, where it is installed.
    pub(crate) app: Option<App>,
    /// After so many more changes nothing is answered any more.
    pub(crate) ends_after: Option<usize>,
    /// After so many more changes no answer is given any more, whatever is done.
    pub(crate) holds_after: Option<usize>,
    /// After so many more changes the next one waits, before anything is done, until it comes back.
    pub(crate) pauses_after: Option<usize>,
    /// What is answered with a status and nothing done: each by a part of `METHOD /path`.
    pub(crate) stumbles: Vec<(String, u16)>,
    /// Whether changes are refused, as by a node that only reads.
    pub(crate) read_only: bool,
    /// Whether it says when to ask again, where there is too much asking.
    pub(crate) says_when: bool,
    /// Whether answers name whoever asked.
    pub(crate) tells_who_asked: bool,
    /// Those to each repository, as `PROJECT/slug`.
    pub(crate) pull_requests: BTreeMap<String, Vec<PullRequest>>,
    /// Where a branch is merged on to by itself, by repository: from and to, without `refs/heads/`.
    pub(crate) cascades: BTreeMap<String, Vec<(String, String)>>,
    pub(crate) ailment: Ailment,
    /// What is pushed just before a second page of a pull request's commits is given: repository, ref and commit.
    pub(crate) between_pages: Option<(String, String, String)>,
    /// Whether somebody deletes each branch just before it is deleted.
    pub(crate) deletes_first: bool,
    /// What is pushed just before the next merge asks its hooks: repository, ref and commit.
    pub(crate) meanwhile: Option<(String, String, String)>,
}

/// What is wrong with a Bitbucket, for whoever comes with a token.
#[derive(Debug, Clone, Default)]
pub enum Ailment {
    /// Nothing.
    #[default]
    None,
    /// It takes so long.
    Slow(Duration),
    /// It closes every connection.
    Down,
    /// It answers with this status and this body.
    Says(u16, String),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    /// The number that is theirs, whatever they are called.
    pub(crate) id: u64,
    pub(crate) global: Option<Global>,
}

#[derive(Debug, Default)]
pub(crate) struct Project {
    pub(crate) repositories: BTreeSet<String>,
    pub(crate) users: BTreeMap<String, Permission>,
    /// Scripts that are switched on, with their triggers.
    pub(crate) enabled: BTreeMap<u64, BTreeSet<String>>,
    /// What repositories say themselves of scripts, in place of what stands above.
    pub(crate) own: BTreeMap<String, BTreeMap<u64, BTreeSet<String>>>,
}

impl Project {
    /// The scripts that run for changes of a repository, with their triggers.
    pub(crate) fn runs(&self, slug: &str) -> BTreeMap<u64, BTreeSet<String>> {
        let mut all = self.enabled.clone();
        all.extend(self.own.get(slug).cloned().unwrap_or_default());
        all
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) description: String,
    /// `PRE` or `POST`.
    pub(crate) kind: String,
    pub(crate) version: u32,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            users: BTreeMap::new(),
            last_user: 0,
            tokens: BTreeMap::new(),
            projects: BTreeMap::new(),
            scripts: BTreeMap::new(),
            last_script: 0,
            hook_scripts_run: true,
            answers: true,
            limit: None,
            buckets: BTreeMap::new(),
            requests: Vec::new(),
            company: Company::default(),
            app: None,
            ends_after: None,
            holds_after: None,
            pauses_after: None,
            stumbles: Vec::new(),
            read_only: false,
            says_when: true,
            tells_who_asked: true,
            pull_requests: BTreeMap::new(),
            cascades: BTreeMap::new(),
            ailment: Ailment::None,
            between_pages: None,
            deletes_first: false,
            meanwhile: None,
        }
    }

    /// Makes a user, or gives one that is there another right.
    pub(crate) fn put_user(&mut self, name: &str, global: Option<Global>) {
        match self.users.get_mut(name) {
            Some(known) => known.global = global,
            None => {
                self.last_user += 1;
                self.users.insert(name.to_owned(), User { id: self.last_user, global });
            }
        }
    }

    pub(crate) fn global(&self, user: &str) -> Option<Global> {
        if self.company.inactive.contains(user) {
            return None;
        }
        let own = self.users.get(user)?.global;
        own.max(self.most(user, None, Some(&self.company.everywhere)))
    }

    /// The most that a user may do in a project.
    pub(crate) fn permission(&self, user: &str, project: &str) -> Option<Permission> {
        if self.global(user)? >= Global::Admin {
            return Some(Permission::Admin);
        }
        let given =
            self.most(user, Some(&self.projects.get(project)?.users), self.company.in_projects.get(project));
        given.max(self.company.everybody.get(project).copied())
    }

    /// Whether a request is looked at at all.
    pub(crate) fn goes_on(&mut self, method: &str) -> bool {
        if method != "GET"
            && let Some(left) = &mut self.ends_after
        {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => self.answers = false,
            }
        }
        self.answers
    }

    /// Whether nothing is done of a request yet.
    pub(crate) fn is_pausing(&self) -> bool {
        self.pauses_after == Some(0)
    }

    /// Counts a request of which something is done.
    pub(crate) fn counts(&mut self, method: &str) {
        if let Some(left) = self.pauses_after.as_mut().filter(|_| method != "GET") {
            *left = left.saturating_sub(1);
        }
    }

    /// The status with which a request comes to nothing, if it does.
    pub(crate) fn stumble(&self, request: &str) -> Option<u16> {
        self.stumbles.iter().find(|(part, _)| request.contains(part)).map(|(_, status)| *status)
    }

    /// Whether an answer is kept back.
    pub(crate) fn holds(&mut self, method: &str) -> bool {
        match &mut self.holds_after {
            Some(0) => method != "GET",
            Some(left) if method != "GET" => {
                *left -= 1;
                false
            }
            _ => false,
        }
    }

    /// What `BB_USER_PERMISSION` says.
    pub(crate) fn highest(&self, user: &str, project: &str) -> &'static str {
        match (self.global(user), self.permission(user, project)) {
            (Some(Global::SysAdmin), _) => "SYS_ADMIN",
            (Some(Global::Admin), _) => "ADMIN",
            (_, Some(Permission::Admin)) => "REPO_ADMIN",
            (_, Some(Permission::Write | Permission::Create)) => "REPO_WRITE",
            _ => "REPO_READ",
        }
    }

    /// Takes a token out of the user's bucket, if there is one. One comes back each second.
    pub(crate) fn may_ask(&mut self, user: &str) -> bool {
        let Some(limit) = self.limit else { return true };
        let now = Instant::now();
        let full = f64::from(limit);
        let (left, since) = self.buckets.entry(user.to_owned()).or_insert((full, now));
        *left = (*left + now.duration_since(*since).as_secs_f64()).min(full);
        *since = now;
        let may = *left >= 1.0;
        if may {
            *left -= 1.0;
        }
        may
    }
}
