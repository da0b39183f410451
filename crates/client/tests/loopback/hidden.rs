//! Hiding one's address.

use crate::person::World;
use tincan_client::view::{Intent, IntentErrorCode, Settings};
use tincan_proto::signalling::CallMedia;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hides_without_a_relay_is_told_before_a_call_instead_of_after_it_failed() {
    let world = World::without_relay().await;
    let (alice, bob) = world.acquainted().await;
    assert!(alice.look(|s| !s.has_relay));
    let settings = alice.look(|s| Settings { hide_address: true, ..s.settings.clone() });
    alice.intend(Intent::UpdateSettings { settings: settings.clone() }).await;
    let to = alice.look(|s| vec![s.contacts[0].name.clone()]);
    let call = |to| Intent::Call { to, media: CallMedia::Audio };
    let refused = alice.try_intend(call(to.clone())).await.expect_err("nobody can be reached");
    assert_eq!(refused.code, IntentErrorCode::NoRelay);
    assert!(bob.look(|s| s.incoming.is_empty()));
    let settings = Settings { hide_address: false, ..settings };
    alice.intend(Intent::UpdateSettings { settings }).await;
    alice.intend(call(to)).await;
    bob.wait("ringing", |s| !s.incoming.is_empty()).await;
}
