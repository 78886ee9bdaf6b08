package io.licentia;

import java.time.Instant;

/**
 * A licence whose signature is good.
 *
 * @param issuer who issued it ({@code iss})
 * @param subject the customer ({@code sub})
 * @param tier name of the tier
 * @param tierVersion version of the tier
 * @param id the token's identifier ({@code cti}), 32 hexadecimal digits
 * @param lineage identifier that stays the same through renewals and upgrades, 32 hexadecimal digits
 * @param issuedAt when it was issued ({@code iat})
 * @param expires when it ends, grace included ({@code exp})
 */
public record License(
        String issuer,
        String subject,
        String tier,
        long tierVersion,
        String id,
        String lineage,
        Instant issuedAt,
        Instant expires) {}
