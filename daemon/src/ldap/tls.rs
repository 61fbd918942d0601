use std::{fs, path::Path, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};

use super::LdapError;

/// TLS with servers whose certificates these authorities issued.
pub(super) fn connector(ca: &Path) -> Result<TlsConnector, LdapError> {
    let fault = |detail: String| LdapError::Tls(format!("the authorities in `{}`: {detail}", ca.display()));
    let pem = fs::read(ca).map_err(|error| fault(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        // A host's list may hold some that are no use here.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(fault("there is none that can be used".into()));
    }
    // ring, by name: were another provider in the tree, nothing would change here.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
