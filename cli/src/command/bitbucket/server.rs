use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use oam_bitbucket::Bitbucket as Client;
use oam_fetch::{Network, Secret, UrlError, WebUrl};

use crate::failure::Failure;

/// How large a file with a token may be.
const TOKEN_BYTES: usize = 4096;

/// Which Bitbucket, and by whose right.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// Bitbucket's address, as in `https://bitbucket.example.com`
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(super) url: WebUrl,
    /// A file with an HTTP access token of a system administrator
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    #[command(flatten)]
    way: Way,
}

/// Which way to it.
#[derive(Debug, Args)]
pub(in crate::command) struct Way {
    /// The authorities that Bitbucket's certificate may come from, PEM; the system's without it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where Bitbucket's host may lie: `public`, `private` or `loopback`
    #[arg(long, default_value = "private", value_name = "WHERE", value_parser = network)]
    network: Network,
}

impl Server {
    /// Opens it, with the token that the file holds now.
    pub(super) fn open(&self) -> Result<Client, Failure> {
        self.way.open(&self.url, &self.token_file)
    }
}

impl Way {
    /// Opens the Bitbucket there, with the token that the file holds now.
    pub(in crate::command) fn open(&self, url: &WebUrl, token_file: &Path) -> Result<Client, Failure> {
        let text = fs::read_to_string(token_file).map_err(|error| Failure::read(token_file, error))?;
        let token = text.trim();
        let usable = !token.is_empty()
            && token.len() <= TOKEN_BYTES
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable {
            let what = format!("`{}` holds no token", token_file.display());
            return Err(Failure::Usage {
                what,
                help: "it has one line, with an HTTP access token of Bitbucket",
            });
        }
        let client = Client::new(url.clone(), Secret::new(token), self.network, self.ca.as_deref());
        client.map_err(|error| Failure::Usage {
            what: error.to_string(),
            help: "name a file of authorities with --ca, or install Debian's `ca-certificates`",
        })
    }
}

/// Bitbucket's address.
pub(in crate::command) fn url(text: &str) -> Result<WebUrl, UrlError> {
    text.parse()
}

fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).ok_or_else(|| format!("`{text}` is neither `public` nor `private` nor `loopback`"))
}
