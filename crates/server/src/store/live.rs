//! Sessions and calls in the database.

use super::{Store, StoreError, number, read, read_number};
use crate::exchange::{CallRecord, Live, LiveChange, SessionRecord};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, query};
use std::collections::BTreeMap;
use tincan_proto::ParticipantId;

impl Store {
    /// Reads the sessions and calls that an earlier server left. A row that cannot be read, as
    /// one of another version, is left out: its device begins anew.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn live(&self) -> Result<Live, StoreError> {
        let mut sessions = BTreeMap::new();
        let rows = query("SELECT account, device, session, received, acknowledged FROM sessions");
        for row in rows.fetch_all(&self.pool).await? {
            let who = read_device(&row)?;
            let record = SessionRecord {
                who: who.clone(),
                session: read(&row, "session")?,
                received: read_number(&row, "received")?,
                acknowledged: read_number(&row, "acknowledged")?,
                outbox: Vec::new(),
            };
            sessions.insert(who, record);
        }
        let rows = query("SELECT account, device, seq, message FROM outbox ORDER BY seq");
        for row in rows.fetch_all(&self.pool).await? {
            let who = read_device(&row)?;
            match (read_json(&row, "message")?, sessions.get_mut(&who)) {
                (Some(message), Some(session)) => {
                    session.outbox.push((read_number(&row, "seq")?, message));
                }
                (None, _) | (_, None) => {
                    sessions.remove(&who);
                }
            }
        }
        let mut calls: Vec<CallRecord> = Vec::new();
        for row in query("SELECT record FROM calls").fetch_all(&self.pool).await? {
            calls.extend(read_json::<CallRecord>(&row, "record")?);
        }
        Ok(Live { sessions: sessions.into_values().collect(), calls })
    }
}

pub(super) async fn write(
    to: &mut SqliteConnection,
    change: &LiveChange,
) -> Result<(), StoreError> {
    match change {
        LiveChange::SessionBegun { who, session } => {
            end_session(to, who).await?;
            query(
                "INSERT INTO sessions (account, device, session, received, acknowledged) \
                 VALUES (?, ?, ?, 0, 0)",
            )
            .bind(who.account.as_str())
            .bind(who.device.to_string())
            .bind(session.to_string())
            .execute(to)
            .await?;
        }
        LiveChange::SessionEnded { who } => end_session(to, who).await?,
        LiveChange::Received { who, seq } => {
            query("UPDATE sessions SET received = ?3 WHERE account = ?1 AND device = ?2")
                .bind(who.account.as_str())
                .bind(who.device.to_string())
                .bind(number(*seq))
                .execute(to)
                .await?;
        }
        LiveChange::Said { who, seq, message } => {
            query("INSERT INTO outbox (account, device, seq, message) VALUES (?, ?, ?, ?)")
                .bind(who.account.as_str())
                .bind(who.device.to_string())
                .bind(number(*seq))
                .bind(json(message))
                .execute(to)
                .await?;
        }
        LiveChange::Acknowledged { who, seq } => {
            for text in [
                "UPDATE sessions SET acknowledged = ?3 WHERE account = ?1 AND device = ?2",
                "DELETE FROM outbox WHERE account = ?1 AND device = ?2 AND seq <= ?3",
            ] {
                query(text)
                    .bind(who.account.as_str())
                    .bind(who.device.to_string())
                    .bind(number(*seq))
                    .execute(&mut *to)
                    .await?;
            }
        }
        LiveChange::CallChanged(record) => {
            query("INSERT OR REPLACE INTO calls (call, record) VALUES (?, ?)")
                .bind(record.id().to_string())
                .bind(json(record))
                .execute(to)
                .await?;
        }
        LiveChange::CallEnded(call) => {
            query("DELETE FROM calls WHERE call = ?").bind(call.to_string()).execute(to).await?;
        }
    }
    Ok(())
}

async fn end_session(to: &mut SqliteConnection, who: &ParticipantId) -> Result<(), StoreError> {
    query("DELETE FROM sessions WHERE account = ? AND device = ?")
        .bind(who.account.as_str())
        .bind(who.device.to_string())
        .execute(to)
        .await?;
    Ok(())
}

fn read_device(row: &SqliteRow) -> Result<ParticipantId, StoreError> {
    Ok(ParticipantId { account: read(row, "account")?, device: read(row, "device")? })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("maps in it have strings as keys")
}

fn read_json<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: String = row.try_get(column)?;
    Ok(serde_json::from_str(&text).ok())
}
