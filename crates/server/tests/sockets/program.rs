//! The server as a program, started as an operator does.

use crate::apps::{App, PATIENCE, befriend, random_key};
use crate::folder::Folder;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The server as a program of its own, which can be killed.
pub struct Program {
    pub address: SocketAddr,
    pub folder: Folder,
    child: Child,
}

impl Program {
    pub async fn start() -> Self {
        // a port that was free a moment ago
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let folder = Folder::new();
        let child = launch(address, &folder);
        let program = Self { address, folder, child };
        program.listens().await;
        program
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    pub async fn restart(&mut self) {
        self.child = launch(self.address, &self.folder);
        self.listens().await;
    }

    async fn listens(&self) {
        let connecting = async {
            while TcpStream::connect(self.address).await.is_err() {
                sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, connecting).await.expect("in time");
    }

    pub async fn person(&self, name: &str) -> App {
        let mut app = App::connect(&self.address.to_string(), name, random_key(), true);
        app.signed_in().await;
        app
    }

    pub async fn alice_and_bob(&self) -> (App, App) {
        let (mut alice, mut bob) = (self.person("alice").await, self.person("bob").await);
        befriend(&mut alice, &mut bob).await;
        (alice, bob)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn launch(address: SocketAddr, folder: &Folder) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tincan-server"))
        .args(["--listen", &address.to_string(), "--database"])
        .arg(folder.0.join("server.sqlite"))
        .stderr(Stdio::null())
        .spawn()
        .expect("the server was built")
}
