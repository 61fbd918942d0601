//! The scenes that are the same for every provider that is asked.

use std::path::{Path, PathBuf};

use oam_tests::{ClientKey, GraphServer};

use super::Tenant;
use crate::asked::Provider;

impl Provider for Tenant {
    const KIND: &str = "entra";
    const SECOND_PAGE: &str = "/v1.0/groups/delta?$skiptoken=";

    fn begin() -> Self {
        Self::new()
    }

    fn config(&self, max_age: &str, more: &str) -> String {
        self.config(max_age, more)
    }

    fn config_with(&self, key: &ClientKey, max_age: &str, more: &str) -> String {
        let line = format!("client_secret_file = {:?}", self.secret());
        let certificate = key.certificate.as_ref().unwrap();
        let shows = format!("certificate = {certificate:?}\nkey = {:?}", key.key);
        self.config(max_age, more).replace(&line, &shows)
    }

    fn called(&self) -> String {
        GraphServer::TENANT.to_owned()
    }

    fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn trust_a_key(&self) -> ClientKey {
        let key = ClientKey::certified(self.folder.path());
        self.server.trust(&key);
        key
    }

    fn granted(&self) -> usize {
        self.server.granted()
    }

    fn hire_engineer(&self, name: &str) {
        let id = self.server.add_user(name);
        self.server.set_member(&self.eng, &id, true);
    }

    fn take_out_bob(&self) {
        self.server.set_member(&self.eng, &self.bob, false);
    }

    fn cut_off_alice(&self) {
        self.server.enable(&self.alice, false);
    }

    fn show_nothing(&self) {
        self.server.show_nothing();
    }

    fn hide_from_loads(&self) {
        self.server.hide_from_loads();
    }

    fn go_round(&self, goes_round: bool) {
        self.server.go_round(goes_round);
    }

    fn point_next_to(&self, base: &str) {
        self.server.point_next_to(base);
    }

    fn hold(&self, part: &str) {
        self.server.hold(part);
    }

    fn is_held(&self) -> bool {
        self.server.is_held()
    }

    fn release(&self) {
        self.server.release();
    }

    fn answers(&self, answers: bool) {
        self.server.answers(answers);
    }
}

crate::asked::scenes!(Tenant);
