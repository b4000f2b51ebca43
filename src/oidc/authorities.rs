//! Certificate authorities of the operator's own, as a PEM bundle.

use rustls::RootCertStore;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Why a bundle is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BadBundle {
    /// There is nothing in it to trust.
    #[error("it has no certificate in it (in PEM: -----BEGIN CERTIFICATE-----)")]
    Empty,
    /// Its author may have taken a secret for a certificate.
    #[error("it has a private key in it, which belongs in no such file")]
    PrivateKey,
    /// A certificate can't be read.
    #[error("certificate {0} of it can't be read")]
    Unreadable(usize),
}

/// The authorities in a PEM bundle: all of them or none.
///
/// # Errors
/// Where something in it is no certificate of an authority, or nothing is.
pub fn read(pem: &[u8]) -> Result<Vec<Certificate<'static>>, BadBundle> {
    let mut found = Vec::new();
    let mut readable = RootCertStore::empty();
    for item in parse_pem(pem) {
        let number = found.len() + 1;
        match item {
            Ok(PemItem::Certificate(certificate)) => {
                let added = readable.add(certificate.der().to_vec().into());
                if added.is_err() {
                    return Err(BadBundle::Unreadable(number));
                }
                found.push(certificate);
            }
            Ok(PemItem::PrivateKey(_)) => return Err(BadBundle::PrivateKey),
            Ok(_) | Err(_) => return Err(BadBundle::Unreadable(number)),
        }
    }
    if found.is_empty() {
        return Err(BadBundle::Empty);
    }
    Ok(found)
}

/// TLS that trusts the well-known authorities, and these in addition.
pub(super) fn tls(own: &[Certificate<'static>]) -> TlsConfig {
    if own.is_empty() {
        return TlsConfig::default();
    }
    let well_known = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let well_known = well_known.map(|certificate| Certificate::from_der(certificate));
    let roots: RootCerts = well_known.chain(own.iter().cloned()).into();
    TlsConfig::builder().root_certs(roots).build()
}
