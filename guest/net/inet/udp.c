/*
 * udp.c - UDP and raw input in lwIP's place: its files of these names are not compiled.
 */
#include "lwip/priv/raw_priv.h"
#include "lwip/udp.h"
#include "net/inet/inet.h"

void udp_init(void)
{
}

void udp_input(struct pbuf *p, struct netif *inp)
{
	pbuf_free(p);
}

void udp_netif_ip_addr_changed(const ip_addr_t *from, const ip_addr_t *to)
{
}

raw_input_state_t raw_input(struct pbuf *p, struct netif *inp)
{
	return RAW_INPUT_NONE;
}

void raw_netif_ip_addr_changed(const ip_addr_t *from, const ip_addr_t *to)
{
}
