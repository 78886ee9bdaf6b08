package io.licentia;

import io.licentia.internal.Calls;
import java.util.Optional;

/** The two forms of a token, and its claims without a check: to show them, never to decide. */
public final class Tokens {
    private Tokens() {}

    /**
     * Decodes the text form, {@code lic1_...}, strictly.
     *
     * @throws LicentiaException {@code malformed_text} or {@code token_too_long}
     */
    public static byte[] decode(String text) {
        return Calls.to("licentia_token_decode").add(text).bytes();
    }

    /** Encodes the bytes of a token to its text form. */
    public static String encode(byte[] token) {
        return Calls.to("licentia_token_encode").add(token).text();
    }

    /**
     * The claims of a token whose signature is not checked, as a JSON object.
     *
     * @throws LicentiaException a code of group 1xx for a malformed token
     */
    public static String unverifiedJson(String text) {
        return Calls.to("licentia_token_unverified_json").add(text).text();
    }

    /** The token of a value of the HTTP field {@code Authorization} whose scheme is Bearer. */
    public static Optional<String> ofAuthorization(String value) {
        return Calls.to("licentia_token_from_authorization").add(value).optionalText();
    }

    /** Decodes base64url without padding, strictly; other text becomes no bytes, which no check accepts. */
    public static byte[] decodeBase64Url(String text) {
        try {
            return Calls.to("licentia_base64url_decode").add(text).bytes();
        } catch (LicentiaException malformed) {
            return new byte[0];
        }
    }
}
