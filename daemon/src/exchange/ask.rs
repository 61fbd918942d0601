//! What a job asks for: the parameters of RFC 8693, with the lease in `scope`.

use std::{collections::BTreeMap, time::Duration};

use oam_fetch::Secret;
use oam_policy::{
    ObjectId, RefName, Repository, RoleId, Verb,
    rule::{PathSet, Pattern},
};

use super::answer::{ACCESS_TOKEN, LEASE, Problem};
use crate::privilege::{LeaseAsk, MAX_PATTERNS, MOST_PATTERNS, MOST_REFS, Privilege, Room, is_regex};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// How a job's token may be called: all of these are what CI systems issue.
const TOKEN_TYPES: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];

/// How many characters are quoted of what was not understood.
const QUOTED: usize = 100;

/// A request that could be read.
pub(super) struct Asked {
    pub(super) token: Secret,
    pub(super) ask: LeaseAsk,
}

impl Asked {
    /// Reads a form. What is not understood is refused: it may have been meant to narrow the lease.
    pub(super) fn read(fields: &[(String, String)]) -> Result<Self, Problem> {
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, value) in fields {
            match name.as_str() {
                "audience" | "resource" => {
                    let why = "leases are for this service: leave `audience` and `resource` out";
                    return Err(Problem::target(why));
                }
                "actor_token" | "actor_token_type" => {
                    return Err(Problem::request("nobody acts for another here: leave the actor out"));
                }
                // By RFC 6749, 3.2, what is not known is passed over, and nothing stands there twice.
                name => {
                    if known.insert(name, value).is_some() {
                        return Err(Problem::request(format!("`{}` stands there twice", cut(name))));
                    }
                }
            }
        }
        let needed = |name: &str| {
            known.get(name).copied().filter(|value| !value.is_empty()).ok_or_else(|| missing(name))
        };
        if needed("grant_type")? != GRANT_TYPE {
            return Err(Problem::grant_type(format!("`grant_type` is `{GRANT_TYPE}`")));
        }
        if !TOKEN_TYPES.contains(&needed("subject_token_type")?) {
            return Err(Problem::request(format!(
                "`subject_token_type` is `{}`",
                TOKEN_TYPES.join("` or `")
            )));
        }
        let by_token = match known.get("requested_token_type") {
            None => false,
            Some(kind) if *kind == LEASE => false,
            Some(kind) if *kind == ACCESS_TOKEN => true,
            Some(_) => {
                let why = format!("`requested_token_type` is `{LEASE}` or `{ACCESS_TOKEN}`, or left out");
                return Err(Problem::request(why));
            }
        };
        let ask = LeaseAsk { by_token, ..ask(needed("scope")?)? };
        Ok(Self { token: Secret::new(needed("subject_token")?), ask })
    }
}

fn missing(name: &str) -> Problem {
    Problem::request(format!("`{name}` is missing"))
}

/// Reads a scope: `repository:PAY/api ref:refs/heads/main verb:update commit:… uses:1 seconds:300 role:bot`. Whatever may
/// not stand in a scope is written `%XX`.
fn ask(scope: &str) -> Result<LeaseAsk, Problem> {
    let (mut repository, mut role, mut commit, mut uses, mut length) = (None, None, None, None, None);
    let (mut refs, mut verbs, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    let mut room = Room::default();
    for part in scope.split(' ').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once(':').ok_or_else(|| wrong(part, "it is `name:value`"))?;
        let value = decoded(value).ok_or_else(|| wrong(part, "it is not encoded well"))?;
        let text = || std::str::from_utf8(&value).map_err(|_| wrong(part, "it is not UTF-8"));
        match name {
            "repository" => once(&mut repository, part, Repository::parse(text()?))?,
            "ref" if refs.len() >= MOST_REFS => return Err(wrong_refs()),
            "ref" => refs.push(RefName::parse(&value).map_err(|error| wrong(part, &error.to_string()))?),
            "verb" => verbs.push(verb(text()?).ok_or_else(|| wrong(part, "it is no verb"))?),
            // Nobody has looked at the token yet: nothing is kept beyond what may be asked for.
            "path" => {
                let path = path(text()?).map_err(|why| wrong(part, &why))?;
                if paths.len() >= MOST_PATTERNS || !room.holds(&path.1) {
                    return Err(too_many_paths());
                }
                paths.push(path);
            }
            "role" => once(&mut role, part, RoleId::parse(text()?))?,
            "commit" => once(&mut commit, part, ObjectId::parse_hex(&value))?,
            "uses" => once(&mut uses, part, text()?.parse::<u32>())?,
            "seconds" => once(&mut length, part, text()?.parse::<u32>())?,
            _ => {
                return Err(wrong(
                    part,
                    "it is none of `repository`, `ref`, `verb`, `commit`, `path`, `role`, `uses`, `seconds`",
                ));
            }
        }
    }
    let repository = repository.ok_or_else(|| Problem::scope("`scope` names no `repository:`"))?;
    if refs.is_empty() {
        return Err(wrong_refs());
    }
    let paths = if paths.is_empty() { None } else { Some(PathSet::new(paths)) };
    let paths = paths.transpose().map_err(|error| Problem::scope(format!("`path:` in `scope`: {error}")))?;
    Ok(LeaseAsk {
        repository,
        refs,
        verbs: (!verbs.is_empty()).then(|| verbs.into_iter().collect()),
        role,
        commit,
        paths,
        by_token: false,
        uses,
        length: length.map(|seconds| Duration::from_secs(seconds.into())),
    })
}

/// What part of it is wrong, cut where it is long: it is to be found again, and not to be read.
fn wrong(part: &str, why: &str) -> Problem {
    Problem::scope(format!("`{}` in `scope`: {}", cut(part), cut(why)))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn wrong_refs() -> Problem {
    Problem::scope(format!("`scope` names 1 to {MOST_REFS} refs, each as `ref:refs/…`"))
}

fn too_many_paths() -> Problem {
    Problem::scope(format!(
        "`scope` names at most {MOST_PATTERNS} times a `path:`, of {MAX_PATTERNS} characters together, with all their alternatives (`{{a,b}}`) written out"
    ))
}

fn once<T, E: std::fmt::Display>(
    slot: &mut Option<T>,
    part: &str,
    read: Result<T, E>,
) -> Result<(), Problem> {
    let read = read.map_err(|error| wrong(part, &error.to_string()))?;
    match slot.replace(read) {
        None => Ok(()),
        Some(_) => Err(wrong(part, "it is said twice")),
    }
}

/// A pattern of paths, as a policy writes them; no regular expression, which is for whoever writes policies.
fn path(text: &str) -> Result<(bool, Pattern), String> {
    if is_regex(text) {
        return Err("it is a pattern as `docs/**`, and no regular expression".to_owned());
    }
    PathSet::parse_one(text).map_err(|error| error.to_string())
}

/// One that changes refs.
fn verb(text: &str) -> Option<Verb> {
    Verb::parse(text).filter(|verb| !matches!(verb, Verb::Read | Verb::Admin))
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    Some(decoded)
}

/// A lease as a scope, as it was given. Its refs are written as the patterns that they are.
pub(super) fn written(lease: &Privilege) -> String {
    let mut parts: Vec<String> = lease.on.sources().iter().map(|on| format!("repository:{on}")).collect();
    parts.extend(lease.refs.sources().iter().map(|name| format!("ref:{name}")));
    if let Some(leased) = lease.what.lease() {
        parts.extend(leased.verbs.iter().map(|verb| format!("verb:{verb}")));
        parts.extend(leased.commit.as_ref().map(|commit| format!("commit:{commit}")));
        parts.extend(leased.paths.iter().flat_map(PathSet::sources).map(|path| format!("path:{path}")));
        parts.push(format!("role:{}", leased.role));
        parts.push(format!("uses:{}", leased.uses()));
    }
    parts.push(format!("seconds:{}", lease.length.as_secs()));
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::Asked;

    fn read(more: &[(&str, &str)]) -> Result<Asked, String> {
        let usual = [
            ("grant_type", super::GRANT_TYPE),
            ("subject_token_type", super::TOKEN_TYPES[0]),
            ("subject_token", "a.b.c"),
            ("scope", "repository:PAY/api ref:refs/heads/main"),
        ];
        let kept = usual.iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let given = more.iter().filter(|(_, value)| *value != "-");
        let fields: Vec<_> =
            kept.chain(given).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Asked::read(&fields).map_err(|problem| format!("{}: {}", problem.error, problem.detail))
    }

    #[test]
    fn little_need_be_said() {
        let asked = read(&[]).unwrap();
        assert_eq!((asked.ask.repository.as_str(), asked.ask.refs.len()), ("PAY/api", 1));
        assert_eq!((asked.ask.verbs, asked.ask.uses, asked.ask.length), (None, None, None));
        assert_eq!((&asked.ask.paths, asked.ask.by_token), (&None, false));
        assert_eq!(asked.token.reveal(), "a.b.c");
    }

    #[test]
    fn all_can_be_said() {
        let commit = "1".repeat(40);
        let scope = format!(
            "ref:refs/tags/v1  repository:PAY/api ref:refs/heads/%C3%BC verb:update verb:create commit:{commit} path:docs/** path:!docs/%C3%BC uses:3 seconds:60 role:bot"
        );
        let ask = read(&[("scope", &scope), ("requested_token_type", super::ACCESS_TOKEN), ("other", "x")])
            .unwrap()
            .ask;
        assert!(ask.by_token);
        assert_eq!(ask.paths.as_ref().unwrap().sources(), ["docs/**", "!docs/ü"]);
        assert_eq!(ask.refs[1].as_bytes(), "refs/heads/ü".as_bytes());
        assert_eq!(ask.verbs.unwrap().iter().count(), 2);
        assert_eq!((ask.uses, ask.length.unwrap().as_secs()), (Some(3), 60));
        assert_eq!((ask.commit.unwrap().to_string(), ask.role.unwrap().as_str()), (commit, "bot"));
    }

    #[test]
    fn what_is_wrong_is_told_by_its_name() {
        for (name, value, error) in [
            ("grant_type", "-", "invalid_request: `grant_type`"),
            ("grant_type", "client_credentials", "unsupported_grant_type"),
            ("subject_token", "-", "invalid_request: `subject_token`"),
            ("subject_token", "", "invalid_request: `subject_token`"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2", "invalid_request"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token", "invalid_request"),
            ("audience", "other", "invalid_target"),
            ("resource", "https://x", "invalid_target"),
            ("actor_token", "x", "invalid_request"),
            ("scope", "-", "invalid_request: `scope`"),
            ("scope", "repository:PAY/api", "invalid_scope: `scope` names 1 to"),
            ("scope", "ref:refs/heads/main", "invalid_scope: `scope` names no"),
            ("scope", "repository:PAY/api repository:PAY/web ref:refs/heads/x", "invalid_scope"),
            ("scope", "repository:PAY ref:refs/heads/x", "invalid_scope"),
            ("scope", "repository:PAY/api ref:heads/x", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/%zz", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x verb:read", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x uses:-1", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x commit:abc", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x admin", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x path:/deploy/**", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x path:!deploy/**", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x path:re:(a+)+", "invalid_scope"),
            ("scope", "repository:PAY/api ref:refs/heads/x path:%ff", "invalid_scope"),
        ] {
            let told = read(&[(name, value)]).map(|_| ()).unwrap_err();
            assert!(told.starts_with(error), "{name}={value}: {told}");
        }
        assert!(read(&[("requested_token_type", super::LEASE)]).is_ok_and(|asked| !asked.ask.by_token));
        let read_paths =
            |paths: &str| read(&[("scope", &format!("repository:PAY/api ref:refs/heads/x {paths}"))]);
        assert!(read_paths(&"path:a ".repeat(32)).is_ok());
        assert!(read_paths(&"path:a ".repeat(33)).is_err_and(|told| told.contains("at most 32")));
        // Short to write, and long to match: 256 ways to choose, of 24 characters each.
        let wide = format!("path:{} ", "{aaa,bbb}".repeat(8));
        assert!(read_paths(&wide).is_err_and(|told| told.contains("written out")));
        assert!(read_paths(&format!("path:{} ", "{a,b}".repeat(8))).is_ok());
        let refs =
            |count| read(&[("scope", &format!("repository:PAY/api {}", "ref:refs/heads/x ".repeat(count)))]);
        assert!(refs(32).is_ok() && refs(33).is_err_and(|told| told.contains("1 to 32 refs")));
        let long = read_paths(&format!("x:{}", "y".repeat(10_000))).map(|_| ()).unwrap_err();
        assert!(long.len() < 500, "{long}");
        let twice = read(&[
            ("scope", "repository:PAY/api ref:refs/heads/x"),
            ("scope", "repository:PAY/web ref:refs/heads/x"),
        ]);
        assert!(twice.is_err_and(|told| told.contains("twice")));
    }
}
