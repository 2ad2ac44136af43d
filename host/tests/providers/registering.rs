//! Who is there, and how one is found.

use std::sync::Arc;

use calog::providers::{Error, Provider, Registry};

use crate::stub::{registry, stub};

/// A provider of a type of its own, with a name that may be another's.
struct Dns(&'static str);
struct Mail(&'static str);

impl Provider for Dns {
    fn name(&self) -> &str {
        self.0
    }
}

impl Provider for Mail {
    fn name(&self) -> &str {
        self.0
    }
}

#[test]
fn a_type_resolves_to_the_allocation_that_was_registered() {
    let (registry, dns) = (Registry::new(()), Arc::new(Dns("dns")));
    registry.insert(Arc::clone(&dns)).unwrap().insert(Arc::new(Mail("mail"))).unwrap();
    assert!(Arc::ptr_eq(&registry.resolve::<Dns>().unwrap(), &dns));
    assert_eq!(registry.with_typed(|found: &Dns| std::ptr::from_ref(found)), Some(Arc::as_ptr(&dns)));
    assert_eq!(registry.named("mail").map(|found| found.name().to_owned()).as_deref(), Some("mail"));
    assert_eq!((registry.list_names(), registry.count()), (vec!["dns".to_owned(), "mail".to_owned()], 2));
}

#[test]
fn what_is_not_there_is_none() {
    let registry = Registry::new(());
    registry.insert_named(Arc::new(Dns("dns"))).unwrap();
    assert!(registry.resolve::<Dns>().is_none(), "it was registered by its name alone");
    assert!(registry.with_typed::<Mail, _>(|_| ()).is_none());
    assert!(registry.named("mail").is_none());
}

#[test]
fn duplicates_are_refused_with_both_names() {
    let registry = Registry::new(());
    registry.insert(Arc::new(Dns("dns"))).unwrap().insert(Arc::new(Mail("mail"))).unwrap();
    for (refused, wanted) in [
        (
            registry.insert(Arc::new(Dns("other"))).err(),
            "provider 'other' (providers::registering::Dns) is refused: 'dns' (providers::registering::Dns) is of \
             that type already",
        ),
        (
            registry.insert_named(Arc::new(Dns("mail"))).err(),
            "provider 'mail' (providers::registering::Dns) is refused: 'mail' (providers::registering::Mail) has \
             that name already",
        ),
    ] {
        assert_eq!(refused.expect("it is refused").to_string(), wanted);
    }
    // The first stay, and nothing of the others does.
    assert_eq!(registry.list_names(), ["dns", "mail"]);
    assert_eq!(registry.resolve::<Dns>().map(|dns| dns.0), Some("dns"));
}

#[test]
fn nobody_comes_once_the_others_have_booted() {
    let (registry, _log) = registry([stub("a")]);
    registry.boot_all().unwrap();
    let late = registry.insert_named(Arc::new(stub("late")));
    assert!(matches!(late.err(), Some(Error::Late(name)) if name == "late"));
    assert_eq!(registry.count(), 1);
}
