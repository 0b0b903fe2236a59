/** All of Loupe's services in one process, each on a port of its own on loopback. */
package dev.loupe.standalone.embedded;
