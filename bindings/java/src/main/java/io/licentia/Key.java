package io.licentia;

import io.licentia.internal.Abi;
import io.licentia.internal.Calls;
import io.licentia.internal.Handle;
import java.lang.ref.Reference;

/** A public key that licences are signed with. */
public final class Key {
    final Handle handle;
    private final String text;

    private Key(long address) {
        handle = new Handle(this, address, "licentia_key_free");
        text = Calls.to("licentia_key_text").add(address).text();
    }

    /**
     * Reads a key in its text form, {@code licpub1_...}.
     *
     * @throws LicentiaException {@code invalid_key} or {@code weak_key}
     */
    public static Key of(String text) {
        return new Key(Calls.to("licentia_key_from_text").add(text).result().call()[0]);
    }

    /**
     * Makes a key from an Ed25519 public key of 32 bytes and its identifier of 1 to 32 bytes.
     *
     * @throws LicentiaException {@code invalid_key} or {@code weak_key}
     */
    public static Key ofEd25519(byte[] kid, byte[] publicKey) {
        if (publicKey.length != 32) {
            throw new IllegalArgumentException("an Ed25519 public key has 32 bytes, not " + publicKey.length);
        }
        return new Key(Calls.to("licentia_key_from_ed25519").add(kid).addFixed(publicKey).result().call()[0]);
    }

    static Key at(long address) {
        return new Key(address);
    }

    /** The key's identifier. */
    public byte[] kid() {
        return lent("licentia_key_kid");
    }

    /** The Ed25519 public key, 32 bytes. */
    public byte[] bytes() {
        return lent("licentia_key_bytes");
    }

    private byte[] lent(String function) {
        long[] found = Calls.to(function).add(handle.address()).result().result().call();
        byte[] copy = Abi.library().copy(found[0], found[1]);
        Reference.reachabilityFence(this);
        return copy;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Key key && key.text.equals(text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** The text form, {@code licpub1_...}. */
    @Override
    public String toString() {
        return text;
    }
}
