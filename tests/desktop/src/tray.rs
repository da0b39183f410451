//! A desktop's tray, played for a test: it takes the icon in (Status Notifier Item of KDE), reads
//! its menu and clicks in it (`com.canonical.dbusmenu`), as panels do.

use crate::eventually;
use anyhow::{Context, Result, ensure};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zbus::connection::Builder;
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy, interface};

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";
/// How long the app may take to show an icon.
const ICON: Duration = Duration::from_secs(10);

/// The tray.
#[derive(Debug)]
pub struct TrayHost {
    connection: Connection,
    items: Arc<Mutex<Vec<Place>>>,
}

/// Where an icon's properties are to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    owner: String,
    path: String,
}

/// A line of the menu.
#[derive(Clone, Debug)]
pub struct Line {
    /// The labels from the outermost menu to this line, with ` > ` between them.
    pub text: String,
    /// It can be clicked.
    pub enabled: bool,
    /// It has a tick; none if it cannot have one.
    pub ticked: Option<bool>,
    id: i32,
}

impl TrayHost {
    /// Takes its name on the bus at `address`.
    pub async fn start(address: &str) -> Result<Self> {
        let items = Arc::default();
        let watcher = Watcher { items: Arc::clone(&items) };
        let connection =
            Builder::address(address)?.serve_at(PATH, watcher)?.name(NAME)?.build().await;
        Ok(Self { connection: connection.context("while starting a tray")?, items })
    }

    /// The menu now.
    pub async fn menu(&self) -> Result<Vec<Line>> {
        let menu = self.menu_proxy().await?;
        let _: bool = menu.call("AboutToShow", &(0,)).await.unwrap_or(false);
        let (_, root): (u32, Node) =
            menu.call("GetLayout", &(0, -1, Vec::<String>::new())).await.context("no layout")?;
        let mut lines = Vec::new();
        read(root, "", &mut lines)?;
        Ok(lines)
    }

    /// Waits until the menu has a line as `wanted`.
    pub async fn until(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Line) -> bool,
    ) -> Result<Line> {
        let mut last = Vec::new();
        let found = eventually(&format!("the tray's menu has {what}"), limit, async || {
            last = self.menu().await?;
            Ok(last.iter().find(|line| wanted(line)).cloned())
        })
        .await;
        found.with_context(|| format!("it says {last:#?}"))
    }

    /// Waits until the menu has a line with this text.
    pub async fn shows(&self, text: &str, limit: Duration) -> Result<Line> {
        self.until(text, limit, |line| line.text == text).await
    }

    /// Clicks the line with this text, as soon as it is there.
    pub async fn click(&self, text: &str, limit: Duration) -> Result<()> {
        let line = self.shows(text, limit).await?;
        ensure!(line.enabled, "`{text}` cannot be clicked");
        let nothing = Value::from(0i32);
        let menu = self.menu_proxy().await?;
        let clicked = menu.call_method("Event", &(line.id, "clicked", nothing, 0u32)).await;
        clicked.map(drop).with_context(|| format!("while clicking `{text}`"))
    }

    /// The file of the icon that is shown.
    pub async fn icon(&self) -> Result<String> {
        let item = self.item().await?;
        item.get_property("IconName").await.context("the icon has no picture")
    }

    async fn item(&self) -> Result<Proxy<'static>> {
        let place = eventually("the app shows an icon", ICON, async || {
            Ok(self.items.lock().unwrap_or_else(PoisonError::into_inner).last().cloned())
        })
        .await?;
        let Place { owner, path } = place;
        let proxy = zbus::proxy::Builder::new(&self.connection)
            .destination(owner)?
            .path(path)?
            .interface("org.kde.StatusNotifierItem")?
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build();
        proxy.await.context("while reaching the icon")
    }

    async fn menu_proxy(&self) -> Result<Proxy<'static>> {
        let item = self.item().await?;
        let path: OwnedObjectPath = item.get_property("Menu").await.context("it has no menu")?;
        let owner = item.destination().to_owned();
        let menu = Proxy::new(&self.connection, owner, path, "com.canonical.dbusmenu");
        menu.await.context("while reaching the menu")
    }
}

type Node = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

fn read(node: Node, above: &str, lines: &mut Vec<Line>) -> Result<()> {
    let (id, properties, children) = node;
    let text =
        |name: &str| properties.get(name).and_then(|value| value.downcast_ref::<&str>().ok());
    let flag =
        |name: &str| properties.get(name).and_then(|value| value.downcast_ref::<bool>().ok());
    let number = |name: &str| properties.get(name).and_then(|v| v.downcast_ref::<i32>().ok());
    let mut path = above.to_owned();
    if let Some(label) = text("label")
        && flag("visible") != Some(false)
    {
        if !path.is_empty() {
            path.push_str(" > ");
        }
        // An underscore marks a key; two are one.
        path.push_str(&label.replace("__", "\0").replace('_', "").replace('\0', "_"));
        let ticked = text("toggle-type").map(|_| number("toggle-state") == Some(1));
        let enabled = flag("enabled") != Some(false);
        lines.push(Line { text: path.clone(), enabled, ticked, id });
    }
    for child in children {
        read(Node::try_from(child).context("while reading a line of the menu")?, &path, lines)?;
    }
    Ok(())
}

/// What the bus sees.
struct Watcher {
    items: Arc<Mutex<Vec<Place>>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        let owner = header.sender().map(ToString::to_string).unwrap_or_default();
        let path = if service.starts_with('/') { service } else { "/StatusNotifierItem" };
        let place = Place { owner, path: path.into() };
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push(place);
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().map(|place| format!("{}{}", place.owner, place.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}
