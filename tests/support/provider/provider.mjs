// A certified OpenID Connect provider on loopback: node provider.mjs '{"port", "address", "secret", "inToken", "endedAt"}'
// Anybody signs in with any password; the account `staff-1001` has the staff number 1001. Keys are made anew
// at every start. `inToken`: the number stands in the ID token, else userinfo alone tells it. `endedAt`: where it
// tells that a session has ended. Says "ready" when it serves.

import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const { port, address, secret, inToken, endedAt } = JSON.parse(process.argv[2]);

function key(kind, options, alg) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), kid: `${alg}-${Date.now()}`, use: "sig", alg };
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "hotline",
      client_secret: secret,
      redirect_uris: [`${address}/api/session/oidc/back`],
      post_logout_redirect_uris: [`${address}/board/`],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      backchannel_logout_uri: endedAt,
      backchannel_logout_session_required: true,
    },
  ],
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id.replace("staff-", "") }),
  }),
  claims: { openid: ["sub"], profile: ["preferred_username"] },
  conformIdTokenClaims: !inToken,
  jwks: { keys: [key("rsa", { modulusLength: 2048 }, "RS256"), key("ec", { namedCurve: "P-256" }, "ES256")] },
  cookies: { keys: ["for tests alone"] },
  pkce: { required: () => true },
  features: { rpInitiatedLogout: { enabled: true }, backchannelLogout: { enabled: true } },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
