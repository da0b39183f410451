//! The SQLite database: writes what the exchange decided, reads it back at start.

mod live;

use crate::exchange::{Change, Directory, HistoryQuery, HistoryRow, LiveChange};
use crate::limits::HISTORY_KEPT;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, query};
use std::path::PathBuf;
use tincan_proto::IdentityKey;
use tincan_proto::signalling::{Direction, HistoryEntry};
use tincan_proto::units::UnixMillis;

/// Where accounts, contacts and histories live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// Gone with the server.
    Memory,
    /// A file, made if it is not there.
    File(PathBuf),
}

/// Why the database could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the database failed: {0}")]
    Sqlite(#[from] sqlx::Error),
    /// The tables could not be brought to this version's form.
    #[error("the database could not be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row that this program did not write.
    #[error("the database holds a malformed {0}")]
    Malformed(&'static str),
}

/// An open database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens a database and brings its tables to this version's form.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be opened or is not such a database.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().synchronous(SqliteSynchronous::Normal);
        let pool = SqlitePoolOptions::new();
        let pool = match database {
            // every connection to memory would be a database of its own, and die when idle
            Database::Memory => {
                pool.max_connections(1)
                    .min_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .connect_with(options.in_memory(true))
                    .await?
            }
            Database::File(path) => {
                let options = options
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal);
                pool.max_connections(4).connect_with(options).await?
            }
        };
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Reads all accounts, contacts and requests.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn directory(&self) -> Result<Directory, StoreError> {
        let mut directory = Directory::default();
        for row in query("SELECT name, key, created FROM accounts").fetch_all(&self.pool).await? {
            directory.apply(&Change::AccountCreated {
                name: read(&row, "name")?,
                key: read(&row, "key")?,
                created: UnixMillis(read_number(&row, "created")?),
            });
        }
        for row in query("SELECT low, high FROM contacts").fetch_all(&self.pool).await? {
            directory.apply(&Change::ContactsMade(read(&row, "low")?, read(&row, "high")?));
        }
        for row in query("SELECT asker, asked FROM requests").fetch_all(&self.pool).await? {
            let (asker, asked) = (read(&row, "asker")?, read(&row, "asked")?);
            directory.apply(&Change::RequestMade { asker, asked });
        }
        Ok(directory)
    }

    /// Reads the server's own key; makes one the first time.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read or written.
    pub async fn server_key(&self) -> Result<IdentityKey, StoreError> {
        let fresh = IdentityKey::generate(&mut rand::rng()).to_bytes().to_vec();
        query("INSERT OR IGNORE INTO server_key (id, secret) VALUES (1, ?)")
            .bind(fresh)
            .execute(&self.pool)
            .await?;
        let row = query("SELECT secret FROM server_key").fetch_one(&self.pool).await?;
        let secret: Vec<u8> = row.try_get("secret")?;
        let secret = secret.as_slice().try_into().map_err(|_| StoreError::Malformed("secret"))?;
        Ok(IdentityKey::from_bytes(secret))
    }

    /// Stores changes of the directory, of sessions and calls, and history rows: all of them or
    /// none.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be written.
    pub async fn write(
        &self,
        changes: &[Change],
        live: &[LiveChange],
        history: &[HistoryRow],
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        for change in changes {
            write_change(&mut transaction, change).await?;
        }
        for change in live {
            live::write(&mut transaction, change).await?;
        }
        for row in history {
            write_history(&mut transaction, row).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Reads past calls, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read.
    pub async fn history(&self, wanted: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let before = wanted.before.map_or(i64::MAX, |time| number(time.0));
        let rows = query(
            "SELECT call, others, direction, media, started, talked_s, outcome FROM history \
             WHERE account = ? AND started < ? ORDER BY started DESC, call LIMIT ?",
        )
        .bind(wanted.account.as_str())
        .bind(before)
        .bind(wanted.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(read_entry).collect()
    }

    /// Waits until everything is written and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn write_change(to: &mut SqliteConnection, change: &Change) -> Result<(), StoreError> {
    let query = match change {
        Change::AccountCreated { name, key, created } => {
            query("INSERT INTO accounts (name, key, created) VALUES (?, ?, ?)")
                .bind(name.as_str())
                .bind(String::from(*key))
                .bind(number(created.0))
        }
        Change::RequestMade { asker, asked } => {
            query("INSERT OR IGNORE INTO requests (asker, asked) VALUES (?, ?)")
                .bind(asker.as_str())
                .bind(asked.as_str())
        }
        Change::RequestClosed { asker, asked } => {
            query("DELETE FROM requests WHERE asker = ? AND asked = ?")
                .bind(asker.as_str())
                .bind(asked.as_str())
        }
        Change::ContactsMade(a, b) => {
            query("INSERT OR IGNORE INTO contacts (low, high) VALUES (?, ?)")
                .bind(a.min(b).as_str())
                .bind(a.max(b).as_str())
        }
        Change::ContactsEnded(a, b) => query("DELETE FROM contacts WHERE low = ? AND high = ?")
            .bind(a.min(b).as_str())
            .bind(a.max(b).as_str()),
    };
    query.execute(to).await?;
    Ok(())
}

async fn write_history(to: &mut SqliteConnection, row: &HistoryRow) -> Result<(), StoreError> {
    let (account, entry) = (row.account.as_str(), &row.entry);
    let others: Vec<&str> = entry.with.iter().map(tincan_proto::AccountName::as_str).collect();
    // an id that comes twice in one history is the doing of a foreign app: the first counts
    query(
        "INSERT OR IGNORE INTO history \
         (account, call, others, direction, media, started, talked_s, outcome) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(account)
    .bind(entry.call.to_string())
    .bind(others.join(" "))
    .bind(word(&entry.direction))
    .bind(word(&entry.media))
    .bind(number(entry.started.0))
    .bind(entry.talked_s)
    .bind(word(&entry.outcome))
    .execute(&mut *to)
    .await?;
    query(
        "DELETE FROM history WHERE account = ?1 AND started < \
         (SELECT started FROM history WHERE account = ?1 \
          ORDER BY started DESC LIMIT 1 OFFSET ?2)",
    )
    .bind(account)
    .bind(HISTORY_KEPT - 1)
    .execute(&mut *to)
    .await?;
    Ok(())
}

fn read_entry(row: &SqliteRow) -> Result<HistoryEntry, StoreError> {
    let others: String = row.try_get("others")?;
    let with = others.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>();
    let direction: Direction = read(row, "direction")?;
    Ok(HistoryEntry {
        call: read(row, "call")?,
        with: with.map_err(|_| StoreError::Malformed("others"))?,
        direction,
        media: read(row, "media")?,
        started: UnixMillis(read_number(row, "started")?),
        talked_s: row.try_get("talked_s")?,
        outcome: read(row, "outcome")?,
    })
}

/// The word that stands for a value on the wire stands for it in the database, too.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("enums without fields are strings, not {other:?}"),
    }
}

fn read<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    let word = serde_json::Value::String(row.try_get(column)?);
    serde_json::from_value(word).map_err(|_| StoreError::Malformed(column))
}

/// SQLite's integers are signed; no time that is meant reaches the bound.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn read_number(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Malformed(column))
}
