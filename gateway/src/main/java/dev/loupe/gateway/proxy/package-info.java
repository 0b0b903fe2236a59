/** Passes calls on to the services behind the gateway, byte for byte. */
package dev.loupe.gateway.proxy;
