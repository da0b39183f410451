//! The database by itself.

use tincan_proto::signalling::{CallMedia, CallOutcome, Direction, HistoryEntry};
use tincan_proto::units::UnixMillis;
use tincan_proto::{AccountName, CallId, IdentityKey};
use tincan_server::exchange::{Change, ConnectionId, HistoryQuery, HistoryRow};
use tincan_server::limits::HISTORY_KEPT;
use tincan_server::{Database, Store};

fn name(text: &str) -> AccountName {
    text.parse().expect("valid name")
}

fn created(text: &str, key: u8) -> Change {
    let key = IdentityKey::from_bytes(&[key; 32]).public();
    Change::AccountCreated { name: name(text), key, created: UnixMillis(1) }
}

fn row(number: u64) -> HistoryRow {
    let entry = HistoryEntry {
        call: CallId::from(u128::from(number)),
        with: vec![name("bob"), name("c.d-e_f")],
        direction: Direction::Outgoing,
        media: CallMedia::Audio,
        started: UnixMillis(number),
        talked_s: 5,
        outcome: CallOutcome::Answered,
    };
    HistoryRow { account: name("alice"), entry }
}

fn query(before: Option<u64>, limit: u32) -> HistoryQuery {
    let (connection, account) = (ConnectionId(1), name("alice"));
    HistoryQuery { connection, account, before: before.map(UnixMillis), limit }
}

async fn store() -> Store {
    let store = Store::open(&Database::Memory).await.expect("opens");
    store.write(&[created("alice", 1), created("bob", 2)], &[], &[]).await.expect("written");
    store
}

#[tokio::test]
async fn history_comes_back_whole_newest_first_and_in_pages() {
    let store = store().await;
    let rows: Vec<_> = (1..=5).map(row).collect();
    store.write(&[], &[], &rows).await.expect("written");
    let newest = store.history(&query(None, 2)).await.expect("read");
    assert_eq!(newest, [row(5).entry, row(4).entry]);
    let older = store.history(&query(Some(4), 9)).await.expect("read");
    assert_eq!(older, [row(3).entry, row(2).entry, row(1).entry]);
}

#[tokio::test]
async fn old_history_makes_room_for_new() {
    let store = store().await;
    let last = u64::from(HISTORY_KEPT) + 10;
    let rows: Vec<_> = (1..=last).map(row).collect();
    store.write(&[], &[], &rows).await.expect("written");
    let kept = store.history(&query(None, u32::MAX)).await.expect("read");
    assert_eq!(kept.len(), HISTORY_KEPT as usize);
    assert_eq!(kept.last().map(|entry| entry.started), Some(UnixMillis(11)));
}

#[tokio::test]
async fn a_step_is_stored_whole_or_not_at_all() {
    let store = store().await;
    let request = Change::RequestMade { asker: name("alice"), asked: name("bob") };
    let impossible = Change::ContactsMade(name("alice"), name("nobody"));
    store.write(&[request, impossible], &[], &[row(1)]).await.expect_err("nobody has no account");
    let directory = store.directory().await.expect("read");
    assert_eq!(directory.requests(&name("alice")).count(), 0);
    assert_eq!(store.history(&query(None, 9)).await.expect("read"), []);
}

#[tokio::test]
async fn the_directory_comes_back_as_it_was_changed() {
    let store = store().await;
    let (alice, bob) = (name("alice"), name("bob"));
    let request = Change::RequestMade { asker: bob.clone(), asked: alice.clone() };
    store.write(&[request], &[], &[]).await.expect("written");
    let directory = store.directory().await.expect("read");
    let asked: Vec<_> = directory.requests(&alice).map(|r| (r.name, r.direction)).collect();
    assert_eq!(asked, [(bob.clone(), Direction::Incoming)]);
    assert_eq!(directory.key(&bob), Some(&IdentityKey::from_bytes(&[2; 32]).public()));

    let accept = directory.answer(&alice, &bob, true).expect("asked");
    store.write(&accept, &[], &[]).await.expect("written");
    let directory = store.directory().await.expect("read");
    assert!(directory.are_contacts(&alice, &bob) && directory.are_contacts(&bob, &alice));
    assert_eq!(directory.requests(&alice).count(), 0);

    let end = directory.remove(&bob, &alice).expect("contacts");
    store.write(&end, &[], &[]).await.expect("written");
    let directory = store.directory().await.expect("read");
    assert!(!directory.are_contacts(&alice, &bob));
}
