/**
 * Must be imported before MQTT.js: with DEBUG set, it and its codec print whole packets, the
 * CONNECT with the device's token among them. They read the variable when they are loaded.
 */
delete process.env["DEBUG"];
