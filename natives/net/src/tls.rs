//! TLS: what scripts say of certificates, and the sessions that are made of them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calog_plugin_api::{AggregateView, Code, Error, FromView, Result, View};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};

/// The option `tls`: files, in the form PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Files {
    /// Whom a client trusts, and whom it expects: the host, unless it is said otherwise.
    Client { ca: PathBuf, name: Option<String> },
    /// Who a server is.
    Server { cert: PathBuf, key: PathBuf },
}

impl Files {
    /// # Errors
    /// A key that is missing, not known or no string.
    pub(crate) fn of_client(option: View<'_>) -> Result<Files> {
        let [ca, name] = texts(option, ["ca", "name"])?;
        Ok(Files::Client { ca: required("ca", ca)?.into(), name })
    }

    /// # Errors
    /// A key that is missing, not known or no string.
    pub(crate) fn of_server(option: View<'_>) -> Result<Files> {
        let [cert, key] = texts(option, ["cert", "key"])?;
        Ok(Files::Server { cert: required("cert", cert)?.into(), key: required("key", key)?.into() })
    }

    /// Reads the files. `host` is whom a client connects to. Blocks.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(crate) fn load(&self, host: &str) -> io::Result<Security> {
        match self {
            Files::Client { ca, name } => {
                let wanted = name.as_deref().unwrap_or(host);
                let expected = ServerName::try_from(wanted.to_owned())
                    .map_err(|_| of_key("name", format!("wanted the name of a host, got '{wanted}'")))?;
                let mut trusted = RootCertStore::empty();
                for certificate in certificates("ca", ca)? {
                    trusted.add(certificate).map_err(|error| of_file("ca", ca, error))?;
                }
                let config = ClientConfig::builder_with_provider(provider())
                    .with_safe_default_protocol_versions()
                    .map_err(io::Error::other)?
                    .with_root_certificates(trusted)
                    .with_no_client_auth();
                Ok(Security::Client(Arc::new(config), expected))
            }
            Files::Server { cert, key } => {
                let chain = certificates("cert", cert)?;
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| of_file("key", key, error))?;
                let config = ServerConfig::builder_with_provider(provider())
                    .with_safe_default_protocol_versions()
                    .map_err(io::Error::other)?
                    .with_no_client_auth()
                    .with_single_cert(chain, secret)
                    .map_err(|error| of_file("cert", cert, error))?;
                Ok(Security::Server(Arc::new(config)))
            }
        }
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn of_key(key: &str, problem: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!("option 'tls': '{key}': {problem}"))
}

fn of_file(key: &str, path: &Path, problem: impl std::fmt::Display) -> io::Error {
    of_key(key, format!("{}: {problem}", path.display()))
}

fn certificates(key: &str, path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    match read {
        Ok(all) if all.is_empty() => Err(of_file(key, path, "there is no certificate in it")),
        Ok(all) => Ok(all),
        Err(error) => Err(of_file(key, path, error)),
    }
}

/// The texts under these keys; there may be no others.
fn texts<const N: usize>(option: View<'_>, keys: [&str; N]) -> Result<[Option<String>; N]> {
    let known = keys.map(|key| format!("'{key}'")).join(" and ");
    let map = AggregateView::from_view(option).ok().filter(|map| map.list_len() == 0);
    let wrong = || Error::new(Code::Type, format!("wanted a map with {known}, got {}", option.kind().name()));
    let map = map.ok_or_else(wrong)?;
    let mut texts = [const { None }; N];
    for pair in map.pairs() {
        let at = pair.key.as_str().and_then(|key| keys.iter().position(|known| *known == key));
        let Some(at) = at else {
            return Err(Error::new(Code::Type, format!("unknown key {:?} (known are {known})", pair.key)));
        };
        texts[at] = Some(String::from_view(pair.value).map_err(|error| error.inside(&format!("'{}'", keys[at])))?);
    }
    Ok(texts)
}

fn required(key: &str, text: Option<String>) -> Result<String> {
    text.ok_or_else(|| Error::new(Code::Type, format!("'{key}' is missing")))
}

/// What sessions are made of.
#[derive(Clone)]
pub(crate) enum Security {
    Client(Arc<ClientConfig>, ServerName<'static>),
    Server(Arc<ServerConfig>),
}

impl Security {
    /// A session that has not begun.
    ///
    /// # Errors
    /// None that happens with what `load` gives.
    pub(crate) fn session(&self) -> io::Result<Connection> {
        let session = match self {
            Security::Client(config, name) => {
                ClientConnection::new(Arc::clone(config), name.clone()).map(Connection::from)
            }
            Security::Server(config) => ServerConnection::new(Arc::clone(config)).map(Connection::from),
        };
        session.map_err(io::Error::other)
    }
}
