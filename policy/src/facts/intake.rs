use super::{
    Ancestry, Bounds, Commit, Cover, End, Facts, FactsNeeded, History, HistoryNeeded, HistoryPart, Learnt,
    Listing, NewFile, Nth, PullRequest, ShownLease, Tip, Unreadable, UpdateIndex, listing::Item, room::Room,
};
use crate::{decide::Sieve, name::TreePath};

/// Facts that are taken in as they arrive, in bounded memory.
#[derive(Debug)]
pub struct Intake {
    facts: Facts,
    room: Room,
}

/// Some more of what there is to know of the new commits of one update.
#[derive(Debug, Default)]
pub struct News {
    /// See [`Facts::learn_paths`].
    pub paths: Vec<TreePath>,
    /// See [`Facts::learn_files`].
    pub files: Vec<NewFile>,
    /// See [`Facts::learn_commits`].
    pub commits: Vec<Commit>,
    /// See [`Facts::learn_tip`].
    pub tip: Option<Tip>,
}

/// Why a list ends before its end: no push of a person is like that.
const TOO_MUCH: &str =
    "there is more of it than is looked at in one push: push fewer refs or commits at once";

impl Intake {
    /// Nothing is known yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { facts: Facts::none(), room: Room::new(bounds) }
    }

    /// What is known.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What is known, at the end.
    pub fn into_facts(self) -> Facts {
        self.facts
    }

    /// What is held of lists, in bytes, about.
    pub fn held(&self) -> usize {
        self.room.held
    }

    /// Adds what was found out about one update's ancestry.
    pub fn learn_ancestry(&mut self, index: UpdateIndex, ancestry: Ancestry) {
        self.facts.learn_ancestry(index, ancestry);
    }

    /// Adds what is known of the pull request that is being merged.
    pub fn learn_pull_request(&mut self, pull_request: Learnt<PullRequest>) {
        self.facts.learn_pull_request(pull_request);
    }

    /// Adds that the push shows the token of a lease.
    pub fn learn_shown_lease(&mut self, shown: ShownLease) {
        self.facts.learn_shown_lease(shown);
    }

    /// Adds that nothing more of `needed` can be found out.
    pub fn learn_lack(&mut self, needed: &FactsNeeded, why: &str) {
        self.facts.learn_lack(needed, why);
    }

    /// Makes ready for what was asked for. What was known of it is forgotten: it is told anew from the beginning.
    /// Signatures are judged by the directory of `sieve`.
    pub fn expect(&mut self, asked: &[HistoryNeeded], sieve: &Sieve<'_>) {
        let mut before: Option<&HistoryNeeded> = None;
        for needed in asked {
            let HistoryNeeded { update, cover, part } = needed;
            let lists_commits = before.replace(needed).is_some_and(|before| {
                let lists = [HistoryPart::Commits, HistoryPart::Signatures].contains(&before.part)
                    || matches!(before.part, HistoryPart::CommitCount(_));
                (before.update, &before.cover) == (*update, cover) && lists
            });
            let history = self.facts.histories.entry((*update, cover.clone())).or_default();
            match part {
                // The commits are counted; where they are asked for themselves, that is made ready already.
                HistoryPart::CommitCount(_) if lists_commits => {}
                HistoryPart::CommitCount(_) => {
                    anew(&mut history.commits, &mut self.room);
                    history.signed = false;
                }
                HistoryPart::Tip => (history.tip, history.awaits_tip) = (None, true),
                HistoryPart::Paths => anew(&mut history.paths, &mut self.room),
                HistoryPart::Files => anew(&mut history.files, &mut self.room),
                HistoryPart::Commits | HistoryPart::Signatures => {
                    anew(&mut history.commits, &mut self.room);
                    history.signed = *part == HistoryPart::Signatures;
                    if let (true, Some(commits)) = (history.signed, &mut history.commits) {
                        commits.judged_by(sieve.directory());
                    }
                }
            }
        }
    }

    /// Takes in more about one history.
    pub fn take(&mut self, update: UpdateIndex, cover: &Cover, news: News, sieve: &Sieve<'_>) {
        let News { paths, files, commits, tip } = news;
        if let (Some(tip), Some(history)) = (tip, self.facts.histories.get_mut(&(update, cover.clone()))) {
            history.tip = Some(Ok(tip));
        }
        self.add(update, cover, paths, sieve, |history| history.paths.as_mut());
        self.add(update, cover, files, sieve, |history| history.files.as_mut());
        let told = self.commits_told(update, cover);
        let commits = (told..).zip(commits).map(|(nth, commit)| Nth::new(nth, commit));
        self.add(update, cover, commits, sieve, |history| history.commits.as_mut());
    }

    /// How many commits of a history have been told.
    pub fn commits_told(&self, update: UpdateIndex, cover: &Cover) -> u64 {
        let history = self.facts.histories.get(&(update, cover.clone()));
        history.and_then(|history| Some(history.commits.as_ref()?.told())).unwrap_or_default()
    }

    /// Keeps a few of each kind of what is known and of what will come, as where a push lists more than there is room for: for
    /// who has too little room for all pushes together.
    pub fn fold(&mut self, sieve: &Sieve<'_>) {
        self.room.is_tight = true;
        let room = &mut self.room;
        self.facts.histories.values_mut().for_each(|history| history.fold(room, sieve));
    }

    /// Notes that a history is at its end.
    pub fn end(&mut self, update: UpdateIndex, cover: &Cover, end: &End) {
        if let Some(history) = self.facts.histories.get_mut(&(update, cover.clone())) {
            history.close(end);
        }
    }

    fn add<T: Item>(
        &mut self,
        update: UpdateIndex,
        cover: &Cover,
        items: impl IntoIterator<Item = T>,
        sieve: &Sieve<'_>,
        of: fn(&mut History) -> Option<&mut Listing<T>>,
    ) {
        let key = (update, cover.clone());
        let mut items = items.into_iter();
        loop {
            let Some(listing) = self.facts.histories.get_mut(&key).and_then(of) else { return };
            listing.take(&mut items, &mut self.room, sieve);
            if !self.room.is_full() {
                return;
            }
            if self.room.is_tight {
                return listing.close(End::Unreadable(Unreadable { why: TOO_MUCH.to_owned() }));
            }
            self.fold(sieve);
        }
    }
}

/// An empty list in the place of another.
fn anew<T: Item>(listing: &mut Option<Listing<T>>, room: &mut Room) {
    if let Some(known) = listing.replace(Listing::open()) {
        room.give(known.weight());
    }
}

impl History {
    fn close(&mut self, end: &End) {
        if let Some(paths) = &mut self.paths {
            paths.close(end.clone());
        }
        if let Some(files) = &mut self.files {
            files.close(end.clone());
        }
        if let Some(commits) = &mut self.commits {
            commits.close(end.clone());
        }
        if std::mem::take(&mut self.awaits_tip) && self.tip.is_none() {
            let untold = || Unreadable { why: "what the ref is to name was not told".to_owned() };
            self.tip = Some(Err(match end {
                End::Unreadable(unreadable) => unreadable.clone(),
                End::Complete | End::Open => untold(),
            }));
        }
    }

    fn fold(&mut self, room: &mut Room, sieve: &Sieve<'_>) {
        if let Some(paths) = &mut self.paths {
            paths.fold(room, sieve);
        }
        if let Some(files) = &mut self.files {
            files.fold(room, sieve);
        }
        if let Some(commits) = &mut self.commits {
            commits.fold(room, sieve);
        }
    }
}
