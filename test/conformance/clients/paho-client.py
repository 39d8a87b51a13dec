"""Paho's client as a device: does what devices do and prints what it saw, one JSON object.

Reads {host, port, path, username, password, topic, level} from standard input: a token is not for a command line.
"""
import json
import queue
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE_S = 20
job = json.load(sys.stdin)
five = job["level"] == 5


def accepted(*arguments, **options):
    """A Device that was let in; a busy server asks to come back later."""
    while True:
        device = Device(*arguments, **options)
        if getattr(device.code, "value", device.code) != (0x88 if five else 3):
            return device
        device.client.loop_stop()
        time.sleep(1)


class Device:
    """A connection whose messages are in a queue."""

    def __init__(self, name, lasting=False, clean=True, will=None):
        options = {} if five else {"clean_session": not lasting}
        self.client = mqtt.Client(
            client_id=job["name"] + name,
            transport="websockets",
            protocol=mqtt.MQTTv5 if five else mqtt.MQTTv311,
            **options,
        )
        self.messages = queue.Queue()
        self.connected = queue.Queue()
        self.ended = queue.Queue()
        self.answered = queue.Queue()
        self.client.username_pw_set(job["username"], job["password"])
        self.client.ws_set_options(path=job["path"])
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_connect = lambda client, data, flags, code, properties=None: self.connected.put((flags, code, properties))
        self.client.on_disconnect = lambda *arguments: self.ended.put(True)
        self.client.on_subscribe = lambda client, data, mid, codes, properties=None: self.answered.put(codes)
        self.client.on_unsubscribe = lambda *arguments: self.answered.put([])
        if will is not None:
            self.client.will_set(job["topic"] + "will", will, qos=1)
        arguments = {}
        if five:
            arguments["clean_start"] = clean
            arguments["properties"] = Properties(PacketTypes.CONNECT)
            arguments["properties"].SessionExpiryInterval = 60 if lasting else 0
        self.client.connect(job["host"], job["port"], keepalive=30, **arguments)
        self.client.loop_start()
        self.flags, self.code, self.properties = self.connected.get(timeout=PATIENCE_S)

    def subscribe(self, name, qos):
        if five:
            self.client.subscribe(job["topic"] + name, options=SubscribeOptions(qos=qos))
        else:
            self.client.subscribe(job["topic"] + name, qos)
        return [getattr(code, "value", code) for code in self.answered.get(timeout=PATIENCE_S)]

    def publish(self, name, payload, qos, retain=False, properties=None):
        info = self.client.publish(job["topic"] + name, payload, qos, retain, properties)
        info.wait_for_publish(PATIENCE_S)
        return info.is_published()

    def take(self, count):
        taken = [self.messages.get(timeout=PATIENCE_S) for _ in range(count)]
        return [[message.topic[len(job["topic"]):], message.payload.decode(), message.qos, bool(message.retain)] for message in taken]

    def leave(self):
        self.client.disconnect()
        self.ended.get(timeout=PATIENCE_S)
        self.client.loop_stop()


seen = {}
publisher = accepted("p")
seen["code"] = getattr(publisher.code, "value", publisher.code)

away = accepted("away", lasting=True)
seen["granted"] = away.subscribe("q/#", 2)
away.leave()
seen["published"] = [publisher.publish("q/%d" % qos, "for %d" % qos, qos) for qos in (1, 2)]
back = accepted("away", lasting=True, clean=False)
seen["present"] = back.flags["session present"]
seen["queued"] = back.take(2)
publisher.publish("q/now", "now", 2)
seen["now"] = back.take(1)
back.client.unsubscribe(job["topic"] + "q/#")
back.answered.get(timeout=PATIENCE_S)
publisher.publish("q/now", "unheard", 1)
back.leave()
accepted("away").leave()

publisher.publish("kept", "kept", 1, retain=True)
late = accepted("late")
late.subscribe("kept", 1)
seen["retained"] = late.take(1)
publisher.publish("kept", "", 1, retain=True)
late.take(1)

late.subscribe("will", 1)
lost = accepted("lost", will="gone")
lost.client.loop_stop()
lost.client._sock_close()
seen["will"] = late.take(1)

big = "x" * 60000
late.subscribe("big", 2)
publisher.publish("big", big, 2)
seen["big"] = late.take(1)[0][1] == big

for index in range(100):
    publisher.client.publish(job["topic"] + "big", str(index), 2)
seen["order"] = [int(message[1]) for message in late.take(100)]

if five:
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("a", "1"), ("b", "2"), ("a", "3")]
    properties.ContentType = "text/plain"
    properties.PayloadFormatIndicator = 1
    properties.ResponseTopic = job["topic"] + "answers"
    properties.CorrelationData = b"\x00\xff"
    properties.MessageExpiryInterval = 100
    late.subscribe("props", 2)
    publisher.publish("props", "p", 2, properties=properties)
    message = late.messages.get(timeout=PATIENCE_S)
    got = message.properties
    seen["properties"] = {
        "user": got.UserProperty,
        "type": got.ContentType,
        "format": got.PayloadFormatIndicator,
        "response": got.ResponseTopic[len(job["topic"]):],
        "correlation": got.CorrelationData.hex(),
    }
    seen["connack"] = {"receiveMaximum": publisher.properties.ReceiveMaximum, "aliases": publisher.properties.TopicAliasMaximum}

late.leave()
publisher.leave()
json.dump(seen, sys.stdout)
