package dev.loupe.inference.hub;

import java.net.URI;

/**
 * What the hub says about a file before it sends it.
 *
 * @param name in the repository
 * @param location from which to fetch it
 * @param commit the revision's commit
 * @param hash of the content
 * @param size in bytes
 */
record RemoteFile(String name, URI location, String commit, ContentHash hash, long size) {}
