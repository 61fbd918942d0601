//! From options and questions to answers.

use clap::Args;

use super::answers::{self, Answers};
use crate::failure::Failure;

/// What the command line says already.
#[derive(Debug, Default, Args)]
pub(super) struct Given {
    /// Whom a refused person may ask; they read it [your Bitbucket administrators]
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// The source of the groups that are given without one: the part before the colon in `okta:eng` [okta]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// A group of those who develop; may be given again [okta:developers]
    #[arg(long, value_name = "GROUP")]
    developers: Vec<String>,
    /// A group of those who make releases; may be given again [okta:maintainers]
    #[arg(long, value_name = "GROUP")]
    maintainers: Vec<String>,
    /// A project or a repository, `PAY` or `PAY/api`; may be given again [DEMO]
    #[arg(long, value_name = "PROJECT")]
    project: Vec<String>,
    /// A branch that only moves forward, `main` or `release/**`; may be given again, or be `none` [main]
    #[arg(long, value_name = "BRANCH")]
    protect: Vec<String>,
    /// Whether a tag is never moved or deleted, `yes` or `no` [yes]
    #[arg(long, value_name = "ANSWER")]
    tags_are_forever: Option<String>,
    /// Whether protected branches change through pull requests only, `yes` or `no` [no]
    #[arg(long, value_name = "ANSWER")]
    pull_requests: Option<String>,
}

impl Given {
    /// The source of the groups, where it is said.
    pub(super) fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }
}

/// Shows a question, and brings the line that is answered; nothing when there will be none.
pub(super) type Ask<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

/// One question.
struct Question<'q> {
    option: &'static str,
    text: &'q str,
    default: &'q str,
    /// Whether an answer may name several, with a comma between.
    several: bool,
}

/// What is not given is asked, where there is somebody to ask; else it is the default.
pub(super) struct Interview<'a> {
    given: &'a Given,
    ask: Option<Ask<'a>>,
}

impl<'a> Interview<'a> {
    pub(super) fn new(given: &'a Given, ask: Option<Ask<'a>>) -> Self {
        Self { given, ask }
    }

    /// The answers.
    ///
    /// # Errors
    /// When an option makes no sense, or nobody answers.
    pub(super) fn answers(mut self) -> Result<Answers, Failure> {
        let given = self.given;
        let contact = Question::one(
            "--contact",
            "Whom may somebody ask whose push is refused? They read it.",
            "your Bitbucket administrators",
        );
        let contact = self.one(&contact, given.contact.as_ref(), answers::contact)?;
        let source = self.source()?;
        let [developers, maintainers] = self.groups(source.as_deref())?;
        let project =
            Question::several("--project", "Which projects? As in PAY, or PAY/api for a repository.", "DEMO");
        let projects =
            self.settle(&project, &given.project, |texts| answers::each(texts, answers::project))?;
        let protect = Question::several(
            "--protect",
            "Which branches only ever move forward? As in main, release/**; or none.",
            "main",
        );
        let protected = self.settle(&protect, &given.protect, answers::branches)?;
        let tags = Question::one("--tags-are-forever", "Is a tag never moved or deleted?", "yes");
        let tags_are_forever = self.one(&tags, given.tags_are_forever.as_ref(), answers::yes_or_no)?;
        let pull_requests = self.pull_requests(protected.is_empty())?;
        Ok(Answers { contact, developers, maintainers, projects, protected, tags_are_forever, pull_requests })
    }

    /// The source of groups that are given without one. It is asked for where there are groups to be asked for.
    fn source(&mut self) -> Result<Option<String>, Failure> {
        let given = self.given;
        let has_groups = !given.developers.is_empty() && !given.maintainers.is_empty();
        if given.source.is_none() && (has_groups || self.ask.is_none()) {
            return Ok(None);
        }
        let text =
            "Where do groups come from? The name of the source, as it stands before the colon in okta:eng.";
        let question = Question::one("--source", text, "okta");
        self.one(&question, given.source.as_ref(), answers::source).map(Some)
    }

    fn groups(&mut self, source: Option<&str>) -> Result<[Vec<oam_policy::GroupName>; 2], Failure> {
        let given = self.given;
        let of = |name: &str| format!("{}:{name}", source.unwrap_or("okta"));
        let (developers, maintainers) = (of("developers"), of("maintainers"));
        let parse = |texts: &[String]| answers::each(texts, |text| answers::group(source, text));
        let question = Question::several("--developers", "Which groups develop?", &developers);
        let developers = self.settle(&question, &given.developers, parse)?;
        let text = "Which groups make releases? They may make tags and protected branches.";
        let question = Question::several("--maintainers", text, &maintainers);
        Ok([developers, self.settle(&question, &given.maintainers, parse)?])
    }

    /// It is about protected branches: where there are none, there is nothing to ask.
    fn pull_requests(&mut self, nothing_is_protected: bool) -> Result<bool, Failure> {
        let text = "Do protected branches change through pull requests only?";
        let question = Question::one("--pull-requests", text, "no");
        let given = self.given.pull_requests.as_ref();
        if nothing_is_protected && given.is_none() {
            return Ok(false);
        }
        let wanted = self.one(&question, given, answers::yes_or_no)?;
        if wanted && nothing_is_protected {
            let what = "pull requests are wanted for protected branches, and there are none".to_owned();
            return Err(Failure::Usage { what, help: "name a branch with `--protect`" });
        }
        Ok(wanted)
    }

    fn one<T>(
        &mut self,
        question: &Question<'_>,
        given: Option<&String>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let given: Vec<_> = given.into_iter().cloned().collect();
        self.settle(question, &given, |texts| parse(texts.first().map_or("", String::as_str)))
    }

    /// What was given, or is answered; who answers wrongly is asked again.
    fn settle<T>(
        &mut self,
        question: &Question<'_>,
        given: &[String],
        parse: impl Fn(&[String]) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let refused = |what: String| Failure::Usage {
            what: format!("{}: {what}", question.option),
            help: "`oam policy init --help` tells what each option takes",
        };
        let default = [question.default.to_owned()];
        let Some(ask) = self.ask.as_mut().filter(|_| given.is_empty()) else {
            return parse(if given.is_empty() { &default } else { given }).map_err(refused);
        };
        let mut prompt = question.prompt();
        loop {
            let line = ask(&prompt).ok_or_else(unanswered)?;
            let texts = if line.trim().is_empty() { default.to_vec() } else { question.texts(&line) };
            match parse(&texts) {
                Ok(answer) => return Ok(answer),
                Err(wrong) => prompt = format!("  {wrong}\n{}", question.prompt()),
            }
        }
    }
}

impl<'q> Question<'q> {
    fn one(option: &'static str, text: &'q str, default: &'q str) -> Self {
        Self { option, text, default, several: false }
    }

    fn several(option: &'static str, text: &'q str, default: &'q str) -> Self {
        Self { option, text, default, several: true }
    }

    fn prompt(&self) -> String {
        let several = if self.several { " Several with commas between." } else { "" };
        format!("{}{several}\n  [{}]: ", self.text, self.default)
    }

    fn texts(&self, line: &str) -> Vec<String> {
        match self.several {
            true => line.split(',').map(|text| text.trim().to_owned()).collect(),
            false => vec![line.trim().to_owned()],
        }
    }
}

fn unanswered() -> Failure {
    Failure::Usage {
        what: "the questions were not answered, and nothing was written".into(),
        help: "give the answers as options, or take what is in brackets with `--yes`",
    }
}
