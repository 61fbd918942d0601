//! Days like others.

use oam_tests::{
    Verdict,
    bitbucket_server::{CredentialKind, Permission},
};

use super::company::{Company, GIVEN, REPOSITORY};

impl Company {
    /// A developer's own branches are theirs, `main` is not, and neither is what other teams have.
    pub(super) fn pushes(&self) {
        let topic = "refs/heads/u/alice/login";
        assert_eq!(self.push("alice", REPOSITORY, topic).verdict(), Verdict::Permitted);
        let direct = self.push("alice", REPOSITORY, "refs/heads/main");
        assert_eq!(direct.verdict(), Verdict::Refused);
        let told = direct.remote();
        assert!(told.contains("[pull-request-required]") && told.contains("Questions: #platform"), "{told}");
        let anothers = self.push("alice", REPOSITORY, "refs/heads/u/bob/login");
        assert!(anothers.remote().contains("[no-grant]"), "{anothers:?}");
        // Without a rule about reviews.
        assert_eq!(self.push("mara", "P1/repo-3", "refs/heads/main").verdict(), Verdict::Permitted);
        // Whom Bitbucket does not let in, nobody is asked about.
        let stranger = self.push("eve", REPOSITORY, "refs/heads/u/eve/x");
        assert!(stranger.git.stderr_text().contains("403"), "{stranger:?}");
    }

    /// Two colleagues approve, of what is there now, and not the author.
    pub(super) fn reviews_and_merges(&self) {
        let id = self.opened("alice", "review");
        let early = self.merge("alice", id);
        assert_eq!(early.verdict(), Verdict::Refused);
        assert!(
            early.text.contains("it takes 2 approvals by the role `team-0`, and has 0"),
            "{}",
            early.text
        );
        self.approve("bob", id);
        // Who reads there may approve, and does not count.
        self.approve("mara", id);
        let too_few = self.merge("alice", id);
        assert!(too_few.text.contains("`mara` (does not hold the role)"), "{}", too_few.text);
        self.approve("carol", id);
        assert_eq!(self.merge("alice", id).verdict(), Verdict::Permitted);
        let tail = self.daemon.oam(["audit", "tail"]).stdout_text();
        assert!(tail.contains("approved by bob, carol; not counted: mara (without-role)"), "{tail}");
    }

    /// A joiner may nothing before the identity provider says who they are, and work from then on.
    pub(super) fn takes_somebody_on(&mut self) {
        self.server.add_user("joan", oam_tests::bitbucket_server::Global::Licensed);
        self.regroups("joan", None, Some("team-0"));
        let topic = "refs/heads/u/joan/first";
        let early = self.push("joan", REPOSITORY, topic);
        assert!(early.remote().contains("[unknown-principal]"), "{early:?}");
        self.is_in("joan", Some(0));
        assert_eq!(self.push("joan", REPOSITORY, topic).verdict(), Verdict::Permitted);
        // Her team has what it needs: nothing is to be given to her.
        let plan = self.oam("plan", &[]).expect_success("oam bitbucket plan").stdout_text();
        assert!(plan.contains("Nothing is to be done."), "{plan}");
    }

    /// A mover loses what the old team may on the very next push, whatever Bitbucket still lets them do.
    pub(super) fn moves_somebody(&mut self) {
        let (old, new) = ("P1/repo-3", "P2/repo-3");
        let topic = "refs/heads/u/mara/x";
        assert_eq!(self.push("mara", old, topic).verdict(), Verdict::Permitted);
        self.is_in("mara", Some(2));
        let after = self.push("mara", old, topic);
        assert!(after.remote().contains("[no-grant]"), "{after:?}");
        assert!(self.push("mara", new, topic).git.stderr_text().contains("403"));
        self.regroups("mara", Some("team-1"), Some("team-2"));
        assert_eq!(self.push("mara", new, topic).verdict(), Verdict::Permitted);
        assert!(self.push("mara", old, topic).git.stderr_text().contains("403"));
    }

    /// A leaver whom the identity provider says to be gone can do nothing from one push to the next, loses all that they had, and gets
    /// nothing back by coming back. Nobody tells OAM of it.
    pub(super) fn lets_somebody_go(&mut self) {
        let topic = "refs/heads/u/leo/x";
        assert_eq!(self.push("leo", REPOSITORY, topic).verdict(), Verdict::Permitted);
        let token = self.server.add_credential("leo", CredentialKind::Token, "ci", None);
        self.server.add_credential("leo", CredentialKind::Ssh, "laptop", None);
        self.permit("leo", "P3", Permission::Write);
        self.is_active("leo", false);
        let refused = self.push("leo", REPOSITORY, topic);
        assert!(refused.remote().contains("[account-disabled]"), "{refused:?}");
        let watched = self.oam("watch", &[]).expect_success("oam bitbucket watch").stderr_text();
        let at = |what: &str| watched.find(what).unwrap_or_else(|| panic!("{what}: {watched}"));
        // The widest door first.
        let doors = [
            "loses the HTTP token",
            "loses the SSH key",
            "P3: user:leo loses write",
            "user:leo leaves group:team-0",
        ];
        assert!(doors.map(at).is_sorted(), "{watched}");
        assert_eq!((self.server.credentials("leo"), self.server.groups_of("leo")), (0, vec![]));
        assert!(!self.server.has_token(&token));
        // Nobody else lost anything.
        assert_eq!(self.server.given().len(), GIVEN);
        self.is_active("leo", true);
        self.oam("watch", &[]).expect_success("oam bitbucket watch");
        assert_eq!((self.server.credentials("leo"), self.server.groups_of("leo")), (0, vec![]));
        assert!(self.push("leo", REPOSITORY, topic).git.stderr_text().contains("403"));
    }
}
