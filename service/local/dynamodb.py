"""DynamoDB Local, in memory, on loopback only.

Its own main program listens on every address; started through Jetty's XML configuration, it listens where it is told.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from service.local.child import Child, accepts, start
from service.local.download import Notice, fetch
from service.local.java import QUICK, Java

_HANDLERS = "com.amazonaws.services.dynamodbv2.local.server"
_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "https://jetty.org/configure_12_0.dtd">
<Configure id="server" class="org.eclipse.jetty.server.Server">
  <Call name="addConnector"><Arg>
    <New class="org.eclipse.jetty.server.ServerConnector">
      <Arg><Ref refid="server"/></Arg>
      <Set name="host">127.0.0.1</Set><Set name="port">{port}</Set>
    </New>
  </Arg></Call>
  <Set name="handler">
    <New class="{handlers}.LocalDynamoDBServerHandler">
      <Arg><New class="{handlers}.LocalDynamoDBRequestHandler">
        <Arg type="int">0</Arg><Arg type="boolean">true</Arg><Arg/>
        <Arg type="boolean">true</Arg><Arg type="boolean">false</Arg>
      </New></Arg>
      <Arg>*</Arg>
    </New>
  </Set>
</Configure>
"""


async def start_dynamodb(folder: Path, java: Java, notice: Notice, port: int) -> tuple[str, Child]:
    """Endpoint URL and process; every client shares one set of tables, whatever its region and key."""
    jars = await asyncio.to_thread(fetch, "dynamodb", notice)
    configuration = folder / "dynamodb.xml"
    configuration.write_text(_CONFIGURATION.format(port=port, handlers=_HANDLERS))
    options = ["-Xmx256m", "-XX:+UseSerialGC", *QUICK, f"-Dsqlite4java.library.path={jars}"]
    command = [java.command, *options, "-cp", f"{jars}/*", "org.eclipse.jetty.xml.XmlConfiguration", str(configuration)]
    child = start("dynamodb", command, folder)
    await child.until(lambda: accepts(f"127.0.0.1:{port}"), 60)
    return f"http://127.0.0.1:{port}", child
