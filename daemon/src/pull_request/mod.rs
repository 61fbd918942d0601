//! Who approved the pull request that is being merged: asked of Bitbucket where a decision depends on it.
//!
//! In flow a [`Question`] and answers of Bitbucket; out flow facts, or why there are none. A merge is decided by what Bitbucket said
//! after the question came, and by nothing older. A page that somebody looks at may be told yes by what was said a little before,
//! and is told no by nothing older either: Bitbucket may be waiting for just that page to merge by itself.
//!
//! It must never make anybody wait longer than is configured, ask about one pull request twice at once, or give facts about another
//! head or another target than the one that is merged.

mod shelf;
mod told;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oam_bitbucket::{Bitbucket, permission::Holder};
use oam_fetch::Secret;
use oam_policy::{
    Merging, Repository,
    facts::{self, Learnt, Unreadable},
};
use tokio::{
    sync::Semaphore,
    time::{self, Instant},
};

use self::{
    shelf::{Answer, Shelf},
    told::Told,
};
use crate::{authorize::Question, config::BitbucketConfig};

/// How many pull requests are asked about at once. Who comes later waits for their turn, within their time.
const AT_ONCE: usize = 16;
/// How long is waited until Bitbucket tells whose token it is.
const OWN_WITHIN: Duration = Duration::from_secs(5);

/// Asks Bitbucket for pull requests.
#[derive(Debug)]
pub struct PullRequests {
    bitbucket: Option<BitbucketConfig>,
    connection: Mutex<Option<Connection>>,
    /// Whose token it was when Bitbucket told last.
    own: Mutex<BTreeSet<Holder>>,
    shelf: Shelf,
    turns: Semaphore,
    /// Why Bitbucket could not be asked last time; `None`: it could, or was not.
    trouble: Mutex<Option<String>>,
}

/// What was found out, and how.
#[derive(Debug)]
pub struct Found {
    /// The facts.
    pub facts: Learnt<facts::PullRequest>,
    /// What came of it.
    pub how: How,
    /// How long it took.
    pub took: Duration,
}

/// What came of looking for a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// What Bitbucket said before was good enough.
    Remembered,
    /// Bitbucket was asked, by this one or by another at the same time.
    Asked,
    /// Bitbucket says that something else is there than what is merged.
    Differs,
    /// It could not be asked, or not in time.
    Failed,
}

impl How {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Remembered, Self::Asked, Self::Differs, Self::Failed];

    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Remembered => "remembered",
            Self::Asked => "asked",
            Self::Differs => "differs",
            Self::Failed => "failed",
        }
    }
}

/// An opened connection, and the token that it was opened with.
#[derive(Debug)]
struct Connection {
    token: Secret,
    bitbucket: Bitbucket,
}

/// Bitbucket's answer, and what came of looking for it.
type Looked = (Result<Arc<Told>, String>, How);

impl PullRequests {
    /// Asks the Bitbucket that is configured, if one is.
    pub fn new(bitbucket: Option<BitbucketConfig>) -> Self {
        Self {
            bitbucket,
            connection: Mutex::default(),
            own: Mutex::default(),
            shelf: Shelf::default(),
            turns: Semaphore::new(AT_ONCE),
            trouble: Mutex::default(),
        }
    }

    /// Why Bitbucket could not be asked last time, for `oam status`.
    pub fn warning(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble
            .as_ref()
            .map(|why| format!("Who approved pull requests could not be found out last time: {why}."))
    }

    /// What is known of the pull request that a question is about. `recall`: a page may be answered by what was said before.
    pub async fn find(&self, question: &Question, recall: bool) -> Found {
        let began = Instant::now();
        let (facts, how) = match self.look(question, recall).await {
            (Err(why), how) => (Err(why), how),
            (Ok(told), how) => match told.facts_of(question) {
                Ok(facts) => (Ok(facts), how),
                Err(why) => (Err(why), How::Differs),
            },
        };
        Found { facts: facts.map_err(|why| Unreadable { why }), how, took: began.elapsed() }
    }

    /// By which names Bitbucket knows the user whose token is used. Where it does not tell, or not in time, those that it told last;
    /// empty: none yet.
    pub async fn own_names(&self) -> BTreeSet<Holder> {
        let Some(config) = &self.bitbucket else { return BTreeSet::new() };
        match self.ask_own_names(config).await {
            Ok(names) => {
                self.own.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&names);
                names
            }
            Err(why) => {
                let last = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if last.is_empty() {
                    tracing::warn!(%why, "it is not known whose token `bitbucket.token_file` holds: that account is left alone only where `bitbucket.provisioning` names it");
                }
                last
            }
        }
    }

    async fn ask_own_names(&self, config: &BitbucketConfig) -> Result<BTreeSet<Holder>, String> {
        let bitbucket = self.open(config)?;
        let why = match time::timeout(OWN_WITHIN, bitbucket.ask_own_names()).await {
            Ok(Ok(_)) => "Bitbucket does not tell".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("Bitbucket did not answer within {} s", OWN_WITHIN.as_secs()),
        };
        // Now, or with an answer about something else.
        Some(bitbucket.own_names()).filter(|names| !names.is_empty()).ok_or(why)
    }

    async fn look(&self, question: &Question, recall: bool) -> Looked {
        let failed = |why: &str| (Err(why.to_owned()), How::Failed);
        let Some(config) = &self.bitbucket else {
            return failed(
                "the daemon is not told where Bitbucket is, its configuration has no `[bitbucket]`",
            );
        };
        let Some(merging) = question.pull_request else {
            return failed("the git server did not tell the hook which pull request it is");
        };
        let Merging { number, head: Some(head) } = merging else {
            return failed("the git server did not tell the hook which commit is to be merged");
        };
        let now = Instant::now();
        let deadline = now + config.approvals.within;
        let repository = &question.request.repository;
        let recent = now.checked_sub(config.approvals.remember);
        let slot = self.shelf.slot(repository, number, recent);
        let Ok(mut held) = time::timeout_at(deadline, slot.lock()).await else {
            let why = late(config);
            self.note(Some(&why));
            return (Err(why), How::Failed);
        };
        // A page may be answered by what was said before; a merge may not.
        let since = recent.filter(|_| recall && question.request.channel.is_dry_run());
        if let Some(answer) = held.as_ref().filter(|answer| answer.serves(now, since, &head)) {
            let how = match &answer.told {
                Err(_) => How::Failed,
                Ok(_) if answer.asked >= now => How::Asked,
                Ok(_) => How::Remembered,
            };
            return (answer.told.clone(), how);
        }
        let asked = Instant::now();
        let before = held.as_ref().and_then(|answer| answer.told.clone().ok());
        let told = match time::timeout_at(deadline, self.turns.acquire()).await {
            Ok(_turn) => self.read(config, repository, number, before.as_deref(), deadline).await,
            Err(_) => Err(late(config)),
        };
        let told = told.map(Arc::new);
        self.note(told.as_ref().err());
        let how = if told.is_ok() { How::Asked } else { How::Failed };
        *held = Some(Answer { asked, told: told.clone() });
        (told, how)
    }

    /// Asks Bitbucket. `before` is what it said last time: the commits of the same head upon the same target are the same.
    async fn read(
        &self,
        config: &BitbucketConfig,
        repository: &Repository,
        number: u64,
        before: Option<&Told>,
        deadline: Instant,
    ) -> Result<Told, String> {
        let bitbucket = self.open(config)?;
        let asked = time::timeout_at(deadline, bitbucket.pull_request(repository, number)).await;
        let pull_request = match asked.map_err(|_| late(config))? {
            Ok(told) => told,
            Err(error) => {
                // Whatever it is, it may lie in how the connection was opened.
                *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
                return Err(error.to_string());
            }
        };
        if let Some(before) = before.filter(|before| before.has_commits_of(&pull_request)) {
            return Ok(Told { committers: before.committers.clone(), pull_request });
        }
        let committers = match time::timeout_at(deadline, bitbucket.commits_of(repository, number)).await {
            Err(_) => Err(format!("reading its commits: {}", late(config))),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok((commits, at_once))) if !at_once => {
                // Pages are of the list as it is when each is asked for: of two lists, some commits may be on neither.
                match time::timeout_at(deadline, bitbucket.pull_request(repository, number)).await {
                    Ok(Ok(after)) if after.is_of_commits_of(&pull_request) => {
                        told::committers(&pull_request.head, commits)
                    }
                    Ok(Ok(_)) => Err("its branches moved while its commits were read".to_owned()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err(format!("reading it again: {}", late(config))),
                }
            }
            Ok(Ok((commits, _))) => told::committers(&pull_request.head, commits),
        };
        Ok(Told { pull_request, committers })
    }

    /// A connection with the token that the file holds now.
    fn open(&self, config: &BitbucketConfig) -> Result<Bitbucket, String> {
        let token = config.token()?;
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = connection.as_ref().filter(|open| open.token == token) {
            return Ok(open.bitbucket.clone());
        }
        let bitbucket = config.open_with(token.clone())?.impatient();
        *connection = Some(Connection { token, bitbucket: bitbucket.clone() });
        Ok(bitbucket)
    }

    fn note(&self, trouble: Option<&String>) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = trouble.filter(|why| noted.as_ref() != Some(why)) {
            tracing::warn!(%why, "who approved a pull request could not be found out");
        }
        *noted = trouble.cloned();
    }
}

fn late(config: &BitbucketConfig) -> String {
    format!("Bitbucket did not answer within {} ms", config.approvals.within.as_millis())
}
