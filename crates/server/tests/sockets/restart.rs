use crate::apps::{App, befriend, config, name, random_call, random_key};
use crate::folder::Folder;
use std::net::SocketAddr;
use std::path::Path;
use tincan_proto::signalling::{CallMedia, CallOutcome, Failure, Refusal};
use tincan_proto::{ClientMessage, ServerMessage};
use tincan_server::{Database, Server, ServerConfig, ServerError};
use tincan_signal_client::{SendError, SignalEvent};

async fn start(listen: SocketAddr, folder: &Path) -> Server {
    let database = Database::File(folder.join("server.sqlite"));
    Server::start(ServerConfig { listen, database, ..config() }).await.expect("starts")
}

async fn history(app: &mut App) -> Vec<CallOutcome> {
    app.send(ClientMessage::ListHistory { before: None, limit: 10 });
    app.message(|m| match m {
        ServerMessage::History { entries } => Some(entries.iter().map(|e| e.outcome).collect()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn accounts_contacts_and_history_outlast_the_server_and_clients_come_back() {
    let folder = Folder::new();
    let server = start(([127, 0, 0, 1], 0).into(), &folder.0).await;
    let address = server.local_addr();
    let mut alice = App::register(&server, "alice").await;
    let mut bob = App::register(&server, "bob").await;
    let carol = App::register(&server, "carol").await;
    befriend(&mut alice, &mut bob).await;
    carol.send(ClientMessage::AddContact { name: name("alice") });
    alice
        .message(|m| match m {
            ServerMessage::Book { book } => (!book.requests.is_empty()).then_some(()),
            _ => None,
        })
        .await;
    let call = random_call();
    let to = vec![name("bob")];
    alice.send(ClientMessage::Invite { call, to, media: CallMedia::Audio, hide_address: false });
    alice.send(ClientMessage::Cancel { call });
    assert_eq!(history(&mut alice).await, [CallOutcome::Missed]);

    server.shutdown().await;
    assert_eq!(alice.refused().await, (Refusal::Unavailable, true), "it will be tried again");
    assert_eq!(
        alice.client.send(ClientMessage::ListHistory { before: None, limit: 1 }),
        Err(SendError::Offline)
    );
    assert_eq!(alice.client.send(ClientMessage::Cancel { call }), Ok(()), "kept for later");

    let _server = start(address, &folder.0).await;
    alice.client.retry_now();
    let book = alice.signed_in().await;
    let contacts: Vec<_> = book.contacts.iter().map(|c| (&c.name, c.key)).collect();
    assert_eq!(contacts, [(&name("bob"), bob.key.public())]);
    assert_eq!(book.requests.len(), 1);
    assert_eq!(history(&mut alice).await, [CallOutcome::Missed]);
    bob.signed_in().await;
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let folder = Folder::new();
    let server = start(([127, 0, 0, 1], 0).into(), &folder.0).await;
    let mut alice = App::register(&server, "alice").await;
    drop(server);
    alice
        .event(|event| match event {
            SignalEvent::Lost { .. } => Some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn what_is_no_database_is_an_error_and_stays_as_it_is() {
    let folder = Folder::new();
    let path = folder.0.join("notes.txt");
    let text = "not a database, but something that somebody needs\n".repeat(100);
    std::fs::write(&path, &text).expect("written");
    let database = Database::File(path.clone());
    let started = Server::start(ServerConfig { database, ..config() }).await;
    assert!(matches!(started, Err(ServerError::Store(_))), "{started:?}");
    assert_eq!(std::fs::read_to_string(&path).ok(), Some(text));
}

#[tokio::test]
async fn what_cannot_be_stored_has_not_happened() {
    let folder = Folder::new();
    let server = start(([127, 0, 0, 1], 0).into(), &folder.0).await;
    let url = server.local_addr().to_string();
    let mut alice = App::register(&server, "alice").await;
    let mut bob = App::register(&server, "bob").await;

    let path = format!("sqlite://{}", folder.0.join("server.sqlite").display());
    let database = sqlx::SqlitePool::connect(&path).await.expect("opens");
    let run = async |text: &'static str| {
        sqlx::query(text).execute(&database).await.expect("runs");
    };
    run("CREATE TRIGGER full_a BEFORE INSERT ON accounts BEGIN SELECT RAISE(ABORT, 'full'); END")
        .await;
    run("CREATE TRIGGER full_r BEFORE INSERT ON requests BEGIN SELECT RAISE(ABORT, 'full'); END")
        .await;

    alice.send(ClientMessage::AddContact { name: name("bob") });
    let failed = alice.message(|m| match m {
        ServerMessage::Failed { code, .. } => Some(*code),
        ServerMessage::Book { .. } => panic!("told of what is not stored"),
        _ => None,
    });
    assert_eq!(failed.await, Failure::Storage);
    let mut carol = App::connect(&url, "carol", random_key(), true);
    assert_eq!(carol.refused().await, (Refusal::Unavailable, true));

    run("DROP TRIGGER full_a").await;
    run("DROP TRIGGER full_r").await;
    database.close().await;
    carol.client.retry_now();
    carol.signed_in().await;
    befriend(&mut alice, &mut bob).await;
}
